"""Real footage, and where its people are: what lies beside them is no face.

The places are fixed numbers, so that the same clips give the same pictures with any tracker and any reader of clips.
Each rectangle is a face as version 0.1 tracked it in some frame, larger by half of its width on each side.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.geometry import Rect
from train.datasets.detections import cut, load_cascade, raw_detections
from train.datasets.faces import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_EVERY = 5
"""Frames of a clip from one that is used to the next."""

_ANYWHERE = 10
"""Boxes that are cut from a frame at random places, besides the detections: most of a room is never detected."""

_SMALLEST = 24
"""Pixels of the smallest of these boxes."""


@dataclass(frozen=True)
class Footage:
    """A clip, and all places where somebody's face is at some time."""

    name: str
    sha256: str
    people: tuple[Rect, ...]


TRAINING = (
    Footage(
        "eat.mkv",
        "1a252672404cbbc56fe75deaf6425a12e8db428bcf119f7e88556eb445eeff36",
        (
            Rect(214, 62, 160, 160), Rect(216, 61, 160, 160), Rect(217, 60, 160, 160), Rect(220, 59, 160, 160),
            Rect(222, 59, 160, 161), Rect(223, 60, 160, 160), Rect(227, 61, 157, 157), Rect(228, 58, 158, 158),
            Rect(237, 57, 157, 157), Rect(237, 60, 157, 157), Rect(242, 55, 160, 160), Rect(242, 56, 160, 160),
            Rect(244, 55, 160, 160),
        ),
    ),
    Footage(
        "classroom.gif",
        "9efb6cab2f7392aa3bd15320313db691cfc97270a37cd2b48791f3b032b69da8",
        (
            Rect(53, 138, 46, 46), Rect(118, 119, 34, 35), Rect(223, 121, 32, 32), Rect(296, 147, 45, 45),
            Rect(297, 147, 46, 46), Rect(299, 147, 45, 45),
        ),
    ),
)  # fmt: skip
"""The clips whose parts without people are used in training. `bird` is not: the half of a face at its edge is detected
too rarely to be excluded."""

TEST = (
    Footage(
        "help.mkv",
        "cd3c77280546591cbbc74b4f642f6c712f1fc988a33b1839412345d1e708cb63",
        (
            Rect(240, 35, 159, 158), Rect(253, 40, 155, 155), Rect(255, 43, 157, 158), Rect(257, 43, 157, 157),
            Rect(260, 35, 160, 160), Rect(261, 37, 162, 162),
        ),
    ),
    Footage(
        "thanks.mkv",
        "91315d3bd66314d329f18876e16ddaa362775af0724b30905584fdc517213ed8",
        (
            Rect(229, 13, 150, 150), Rect(231, 13, 152, 153), Rect(233, 11, 156, 156), Rect(234, 12, 156, 156),
            Rect(235, 13, 159, 158), Rect(236, 13, 159, 158), Rect(237, 11, 159, 159),
        ),
    ),
)  # fmt: skip
"""The clips that the face score is evaluated on; there is a skull on the shirt in the first."""


def present(clips: Path | None) -> tuple[str, ...]:
    """Return which clips of `TRAINING` a folder has."""
    return tuple(footage.name for footage in TRAINING if clips and (clips / footage.name).exists())


def beside_people(footage: Footage, folder: Path, random: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Yield parts of a clip, ``(48, 48)`` each, without a person's face: the cascade's detections, and random places.

    Args:
        footage: The clip.
        folder: Where its file is; nothing is yielded if it is not there.
        random: Chooses the random places.

    Raises:
        DataError: The file is another one of that name.
    """
    path = folder / footage.name
    if not path.exists():
        return
    if hashlib.sha256(path.read_bytes()).hexdigest() != footage.sha256:
        message = f"{path}: this is another clip of that name; where its people are is not known: move it away"
        raise DataError(message)
    cascade = load_cascade()
    for picture in _frames(path):
        boxes = raw_detections(cascade, picture) + _anywhere(picture, random)
        yield from cut(picture, [box for box in boxes if not any(map(box.iou, footage.people))])


def _frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield each `_EVERY`-th frame as ``(H, W)`` gray levels."""
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    number = 0
    while capture.grab():
        if number % _EVERY == 0:
            _, picture = capture.retrieve()
            yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
        number += 1
    capture.release()


def _anywhere(picture: NDArray[np.uint8], random: np.random.Generator) -> list[Rect]:
    height, width = picture.shape
    sides = random.integers(_SMALLEST, height // 2, _ANYWHERE)
    return [
        Rect(float(random.integers(width - a)), float(random.integers(height - a)), float(a), float(a)) for a in sides
    ]
