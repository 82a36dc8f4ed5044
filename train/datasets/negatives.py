"""Pictures that are no faces, though a detector may take them for some.

What a face score has to tell apart is not faces from anything, but faces from what the
cascade finds: its raw hits in textures, in photographs without people, and in the parts of
real footage where nobody is.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from edge.camera.clip import Clip
from edge.config import FacesConfig
from edge.geometry import Rect
from edge.vision.crops import resized
from edge.vision.detector import HaarDetector, cascade_file
from edge.vision.tracker import Tracker
from train.datasets.fer2013 import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Gray = NDArray[np.uint8]
    """``(H, W)`` gray levels."""

T = TypeVar("T")

CLIPS = {"eat.mkv": 60, "classroom.gif": 20}
"""The footage that is learned from, and the smallest face in it. The other clips are there to judge by, and half a
face at the edge of `bird` is found too seldom to be kept apart."""

_PHOTOGRAPHS = ("china.jpg", "flower.jpg")
"""Scikit-learn's, without people."""

_EVERY = 5
"""Frames of a clip from one that is used to the next."""

_ANYWHERE = 10
"""Boxes that are cut from a clip's frame wherever nobody is, besides the hits: most of a room hits nothing."""

_FROM_ONE = 6
"""Hits that are taken from one picture, at most: many pictures teach more than many hits."""

_FRAME = 640, 480

_ROOM = 0.5
"""What belongs to a person around the face, as a part of its width; no hit may touch it."""


def clutter(count: int, clips: Path | None, seed: int = 1) -> Gray:
    """Give pictures that are no faces.

    Args:
        count: How many; half of them from textures, a quarter each from photographs and clips.
        clips: The folder of `CLIPS`; what is missing there, textures make up for.
        seed: Another one gives other textures and other views of the photographs.

    Returns:
        ``(count, 48, 48)``
    """
    random = np.random.default_rng(seed)
    part = count // 4
    found = list(islice(hits(_views(random), random), part))
    if clips:
        beside = [cut for name, smallest in CLIPS.items() for cut in beside_people(clips / name, smallest, random)]
        found += _some(beside, part, random)
    found += islice(hits(_textures(random), random), count - len(found))
    return np.stack(found)


def _some(things: Sequence[T], most: int, random: np.random.Generator) -> list[T]:
    """Choose so many, or all, each at most once."""
    return [things[i] for i in random.permutation(len(things))[:most]]


def hits(pictures: Iterable[Gray], random: np.random.Generator) -> Iterator[Gray]:
    """Give what the cascade hits in pictures without faces, ``(48, 48)`` each."""
    cv2.setNumThreads(1)  # with more, the hits come in another order each time
    cascade = cv2.CascadeClassifier(str(cascade_file()))
    for picture in pictures:
        yield from _cut(picture, _some(_raw(cascade, picture), _FROM_ONE, random))


def _raw(cascade: cv2.CascadeClassifier, picture: Gray, least: int = 24) -> list[Rect]:
    """Give every window that passes the cascade, without the vote of its neighbours."""
    return [Rect(*map(float, box)) for box in cascade.detectMultiScale(picture, 1.1, 0, minSize=(least, least))]


def _cut(picture: Gray, boxes: list[Rect]) -> Iterator[Gray]:
    for box in boxes:
        x, y, width, height = map(int, (box.x, box.y, box.width, box.height))
        yield resized(picture[y : y + height, x : x + width], SIZE, SIZE)


def _views(random: np.random.Generator) -> Iterator[Gray]:
    """Give parts of the photographs as a camera might see them, without end."""
    photographs = [_photograph(name) for name in _PHOTOGRAPHS]
    while True:
        photograph = photographs[int(random.integers(len(photographs)))]
        height, width = photograph.shape
        part = random.uniform(0.3, 1.0)
        wide, high = int(width * part), int(height * part)
        left, top = int(random.integers(0, width - wide + 1)), int(random.integers(0, height - high + 1))
        view: NDArray[Any] = photograph[top : top + high, left : left + wide]
        if random.random() < 1 / 2:
            view = view[:, ::-1]
        if random.random() < 1 / 4:
            view = np.rot90(view)
        if random.random() < 1 / 4:
            view = 255 - view
        yield _exposed(cv2.resize(np.ascontiguousarray(view), _FRAME), random)


def _photograph(name: str) -> Gray:
    with as_file(files("sklearn.datasets.images") / name) as path:
        return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


def _textures(random: np.random.Generator) -> Iterator[Gray]:
    """Give textures without end."""
    while True:
        picture = TEXTURES[int(random.integers(len(TEXTURES)))](random)
        yield _exposed(cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 2.0)), random)


def _exposed(picture: NDArray[Any], random: np.random.Generator) -> Gray:
    """Give a picture as a camera would, often too dark: what is dim and flat must not pass for a face because of it."""
    lit = picture * random.uniform(0.25, 1.0) + random.normal(0, random.uniform(0, 8), picture.shape)
    return np.asarray(lit.clip(0, 255), np.uint8)


def _dead_leaves(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw discs that hide each other, their sizes as in nature.

    Lee, Mumford and Huang, "Occlusion Models for Natural Images", IJCV 2001.
    """
    width, height = _FRAME
    picture = np.full((height, width), 128, np.float32)
    for radius in sorted(6 * (1 - random.random(800)) ** (-1 / 2), reverse=True):
        middle = int(random.integers(width)), int(random.integers(height))
        axes = int(min(radius, width)), int(min(radius * random.uniform(0.5, 1), width))
        cv2.ellipse(picture, middle, axes, random.uniform(0, 180), 0, 360, (random.uniform(10, 245),), -1)
    return picture


def _cloud(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw noise whose spectrum falls as in nature, with the frequency to the power of about one."""
    width, height = _FRAME
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(random.normal(0, 1, (height, width))) / frequency ** random.uniform(0.7, 1.5)
    waves = np.fft.irfft2(spectrum, s=(height, width))
    waves -= waves.mean()
    return np.asarray(random.uniform(80, 170) + random.uniform(20, 60) * waves / waves.std(), np.float32)


def _cloth(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw stripes or checks in folds."""
    folds = (_cloud(random) - 128) * random.uniform(0.05, 0.5)
    y, x = np.mgrid[0 : _FRAME[1], 0 : _FRAME[0]].astype(np.float32)
    turn, period = random.uniform(0, np.pi), random.uniform(8, 60)
    wave = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn) + folds) / period)
    if random.random() < 1 / 2:
        wave *= np.sin(2 * np.pi * (y * np.cos(turn) - x * np.sin(turn) + folds) / period)
    return np.asarray(random.uniform(70, 180) + random.uniform(20, 80) * wave + folds, np.float32)


def _shapes(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw polygons and bars, plain or of cloth, before a wall that is lit from a side."""
    width, height = _FRAME
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, down = random.uniform(-80, 80, 2)
    picture = np.asarray(random.uniform(80, 180) + across * (x / width - 0.5) + down * (y / height - 0.5), np.float32)
    cloth = _cloth(random)
    for _ in range(int(random.integers(15, 60))):
        corners = random.uniform(0, (width, height)) + random.uniform(15, 220) * random.uniform(-1, 1, (4, 2))
        gray = (random.uniform(10, 245),)
        kind = random.integers(3)
        if kind == 0:
            ends = corners[:2].astype(np.int32)
            cv2.line(picture, ends[0], ends[1], gray, int(random.integers(2, 20)), cv2.LINE_AA)
            continue
        shape = np.zeros(picture.shape, np.uint8)
        cv2.fillConvexPoly(shape, cv2.convexHull(corners.astype(np.int32)), (1,))
        picture[shape > 0] = gray[0] if kind == 1 else cloth[shape > 0]
    return picture


def _print(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw lines of letters: a poster, a shirt, backs of books."""
    width, height = _FRAME
    paper, ink = random.uniform(10, 245, 2)
    picture = np.full((height, width), paper, np.float32)
    size, thick = random.uniform(0.7, 5.0), int(random.integers(1, 12))
    for top in np.arange(0, height + 1, 30 * size):
        letters = bytes(random.integers(33, 127, 60).astype(np.uint8)).decode("ascii")
        cv2.putText(picture, letters, (0, int(top)), int(random.integers(8)), size, (ink,), thick, cv2.LINE_AA)
    return np.rot90(picture) if random.random() < 1 / 4 else picture


TEXTURES: tuple[Callable[[np.random.Generator], NDArray[np.float32]], ...]
TEXTURES = _dead_leaves, _cloud, _cloth, _shapes, _print
"""Each draws another ``(480, 640)`` picture of gray levels, which may lie a little beyond 0 to 255."""


def beside_people(path: Path, smallest: int, random: np.random.Generator) -> Iterator[Gray]:
    """Give parts of a clip where nobody's face is at any time: the cascade's hits, and some others.

    Args:
        path: The clip; one that is missing gives nothing.
        smallest: Pixels of the smallest face in it.
        random: Chooses the others.
    """
    if not path.exists():
        return
    cascade = cv2.CascadeClassifier(str(cascade_file()))
    tracker, clip = Tracker(HaarDetector(smallest), FacesConfig(min_height=smallest)), Clip(path)
    pictures: list[Gray] = []
    people: list[Rect] = []
    while frame := clip.read():
        tracks, _ = tracker.update(frame.gray, frame.time_s)
        people += [track.rect.grown(_ROOM) for track in tracks]
        if frame.sequence % _EVERY == 0:
            pictures.append(frame.gray)
    clip.close()
    for picture in pictures:
        boxes = _raw(cascade, picture) + _anywhere(picture, random)
        yield from _cut(picture, [box for box in boxes if not any(map(box.overlap, people))])


def _anywhere(picture: Gray, random: np.random.Generator) -> list[Rect]:
    height, width = picture.shape
    sides = random.integers(24, height // 2, _ANYWHERE)
    return [
        Rect(float(random.integers(width - a)), float(random.integers(height - a)), float(a), float(a)) for a in sides
    ]
