"""What was read in photos: a table for a person, JSON for programs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from edge.palette import colour, coloured
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.inference.card import Card
    from edge.photo.faces import PhotoFace

SCHEMA = 1
_CELLS = 12
"""Characters of a bar that is full."""

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


def table(photo: ReadPhoto) -> Table:
    """Return a row for each face: where it is, its emotion, and those that are probable."""
    shown = Table("face", "place", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("emotion", "probabilities", "face score"):
        shown.add_column(heading, no_wrap=True)  # in a narrow window the place is broken, and no bar
    for number, face in enumerate(photo.faces, start=1):
        score = "" if face.face_score is None else f"{face.face_score:.2f}"
        shown.add_row(str(number), _place(face), coloured(face.emotion), _bars(face), score)
    return shown


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


def _place(face: PhotoFace) -> str:
    leans = f"\nleans {face.tilt:+.0f}°" if face.tilt else ""
    return f"{face.box.width:.0f} px at {face.box.x:.0f}, {face.box.y:.0f}{leans}"


def _bars(face: PhotoFace) -> Text:
    """Return a line for each probable emotion, the most probable first; at least one."""
    lines: list[Text] = []
    for label, value in sorted(face.probabilities.items(), key=lambda item: -item[1]):
        if value >= _LEAST or not lines:
            line = Text(f"{value:4.0%} ")
            line.append("█" * max(1, round(value * _CELLS)), colour(label))
            lines.append(line.append(f" {printable(label)}"))
    return Text("\n").join(lines)
