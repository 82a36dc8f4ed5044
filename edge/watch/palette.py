"""How each emotion looks, the same in the terminal and in the picture."""

from __future__ import annotations

from rich.text import Text

from edge.watch.plausible import printable

_COLOURS = {
    "angry": "#e5484d",
    "contempt": "#b667d8",
    "disgust": "#4ba35a",
    "fear": "#f0801a",
    "happy": "#f5c518",
    "neutral": "#a3adb8",
    "sad": "#4a86f0",
    "surprise": "#20c0cf",
    "uncertain": "#6f7682",
}
GOOD, WARNING, BAD = "#30a46c", "#d9a514", "#e5484d"
"""How a device is."""

_OTHER = "#c98fa8"
"""Of a label that is not ours: a bundle may bring its own."""

_LETTERS = {"surprise": "U", "uncertain": "?"}
"""Where the first letter does not tell enough, for terminals without colours."""


def colour(emotion: str) -> str:
    """Give an emotion's colour, ``#rrggbb``."""
    return _COLOURS.get(emotion, _OTHER)


def letter(emotion: str) -> str:
    """Give the letter that stands for an emotion where there are no colours."""
    return _LETTERS.get(emotion) or (emotion[:1].upper() if emotion[:1].isalpha() else "*")


def order(emotion: str) -> tuple[int, str]:
    """Sort emotions as a legend lists them."""
    known = list(_COLOURS)
    return (known.index(emotion) if emotion in known else len(known), emotion)


def coloured(emotion: str) -> Text:
    """Give an emotion in its colour."""
    return Text(printable(emotion), style=colour(emotion))
