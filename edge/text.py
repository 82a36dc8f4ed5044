"""Text from others, made safe to show."""

from __future__ import annotations


def printable(text: str, longest: int = 64) -> str:
    """Return a text that is safe to show: one line, no control characters, at most `longest` characters.

    What is not printable becomes ``?``; a text that is too long ends with ``…``.
    """
    shown = "".join(each if each.isprintable() else "?" for each in text[: longest + 1])
    return shown if len(text) <= longest else shown[: longest - 1] + "…"
