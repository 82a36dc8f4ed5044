"""How each emotion looks, the same in the terminal and in the picture."""

from __future__ import annotations

from rich.text import Text

from edge.text import printable

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
"""Of a device's status."""

_OTHER = "#c98fa8"
"""Of other labels: a bundle may bring its own."""

_LETTERS = {"surprise": "U", "uncertain": "?"}
"""Letters for terminals without colours, where the first one is ambiguous."""


def colour(emotion: str) -> str:
    """Return an emotion's colour, ``#rrggbb``."""
    return _COLOURS.get(emotion, _OTHER)


def letter(emotion: str) -> str:
    """Return the letter that stands for an emotion where there are no colours."""
    return _LETTERS.get(emotion) or (emotion[:1].upper() if emotion[:1].isalpha() else "*")


def order(emotion: str) -> tuple[int, str]:
    """Return the key that sorts emotions as a legend lists them."""
    known = list(_COLOURS)
    return (known.index(emotion) if emotion in known else len(known), emotion)


def coloured(emotion: str) -> Text:
    """Return an emotion's name in its colour."""
    return Text(printable(emotion), style=colour(emotion))
