"""Text from others, made safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def printable(text: str, longest: int = 64) -> str:
    """Return a text that is safe to show: one line, no control characters, at most `longest` characters.

    What is not printable becomes ``?``; a text that is too long ends with ``…``.
    """
    shown = "".join(each if each.isprintable() else "?" for each in text[: longest + 1])
    return shown if len(text) <= longest else shown[: longest - 1] + "…"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names for a message: the first `most`, each as `printable` shows it, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(printable(name, 60) for name in names[:most]) + more


def first_line(error: BaseException, longest: int = 300) -> str:
    """Return the first line of an error's text, as `printable` shows it; the name of its class if it has no text."""
    return printable((str(error).strip().splitlines() or [type(error).__name__])[0], longest)
