"""What was read in photos: a table for a person, JSON for programs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from edge.palette import colour, coloured
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Console, ConsoleOptions, RenderableType

    from edge.inference.card import Card
    from edge.photo.faces import PhotoFace

SCHEMA = 1
_CELLS = 12
"""Characters of a bar that is full."""

_MOST_COLUMNS = 1000
"""More than any window has."""

_LEAST = 0.05
"""Smallest probability that has a bar."""


@dataclass(frozen=True)
class ReadPhoto:
    """One photo and its faces."""

    path: Path
    width: int
    height: int
    faces: tuple[PhotoFace, ...]
    """The largest first; they may be none."""


def found_words(photo: ReadPhoto) -> str:
    """Return how many faces were found, in words."""
    count = len(photo.faces)
    return "no face found" if not count else "1 face" if count == 1 else f"{count} faces"


class FaceTable:
    """Shows where each face is, its emotion, and the labels that are probable.

    A row for each face or, where the window is too narrow for that, a few lines.
    """

    def __init__(self, faces: Sequence[PhotoFace]) -> None:
        self._faces = faces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[RenderableType]:
        """Return what is printed in the window's width."""
        table = self._table()
        fits = Measurement.get(console, options.update(max_width=_MOST_COLUMNS), table).maximum <= options.max_width
        return [table] if fits else self._lines()

    def _table(self) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for heading in ("face", "place", "emotion", "probabilities", "score"):
            table.add_column(heading, no_wrap=True)
        for number, face in enumerate(self._faces, start=1):
            table.add_row(str(number), "\n".join(_place(face)), coloured(face.emotion), _bars(face), _score(face))
        return table

    def _lines(self) -> list[Text]:
        lines = []
        for number, face in enumerate(self._faces, start=1):
            score = f", score {_score(face)}" if face.face_score is not None else ""
            lines += [
                Text.assemble(f"face {number}: ", coloured(face.emotion), score),
                Text("  " + ", ".join(_place(face))),
                *(Text(" ") + bar for bar in _bars(face).split()),
            ]
        return lines


def to_json(photos: Sequence[ReadPhoto], card: Card) -> str:
    """Return the same as a JSON object; boxes are in pixels of the photo as it is seen."""
    model = {"name": card.name, "version": card.version, "sha256": card.sha256, "labels": card.labels}
    content = {"schema": SCHEMA, "model": model, "photos": [_photo(photo) for photo in photos]}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _photo(photo: ReadPhoto) -> dict[str, Any]:
    return {
        "file": os.fsencode(photo.path).decode(errors="replace"),  # a name is bytes, and need not be UTF-8
        "width": photo.width,
        "height": photo.height,
        "faces": [
            {
                "box": {
                    "x": round(face.box.x),
                    "y": round(face.box.y),
                    "width": round(face.box.width),
                    "height": round(face.box.height),
                },
                "tilt": face.tilt,
                "face_score": None if face.face_score is None else round(face.face_score, 3),
                "emotion": face.emotion,
                "confidence": round(face.confidence, 3),
                "probabilities": {label: round(value, 3) for label, value in face.probabilities.items()},
            }
            for face in photo.faces
        ],
    }


def _place(face: PhotoFace) -> list[str]:
    place = f"{face.box.width:.0f} px at {face.box.x:.0f}, {face.box.y:.0f}"
    return [place, f"leans {face.tilt:+.0f}°"] if face.tilt else [place]


def _score(face: PhotoFace) -> str:
    return "" if face.face_score is None else f"{face.face_score:.2f}"


def _bars(face: PhotoFace) -> Text:
    """Return a line for each probable emotion, the most probable first; at least one."""
    lines: list[Text] = []
    for label, value in sorted(face.probabilities.items(), key=lambda item: -item[1]):
        if value >= _LEAST or not lines:
            line = Text(f"{value:4.0%} ")
            line.append("█" * max(1, round(value * _CELLS)), colour(label))
            lines.append(line.append(f" {printable(label)}"))
    return Text("\n").join(lines)
