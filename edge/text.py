"""Text from others, made safe to show."""

from __future__ import annotations


def printable(text: str, longest: int = 64) -> str:
    """Return a text that is safe to show: one line, no control characters, at most `longest` characters.

    What is not printable becomes ``?``; a text that is too long ends with ``…``.
    """
    shown = "".join(each if each.isprintable() else "?" for each in text[: longest + 1])
    return shown if len(text) <= longest else shown[: longest - 1] + "…"


def first_line(error: BaseException, longest: int = 300) -> str:
    """Return the first line of an error's text, as `printable` shows it; the name of its class if it has no text."""
    return printable((str(error).strip().splitlines() or [type(error).__name__])[0], longest)
