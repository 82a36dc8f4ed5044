"""Negatives: pictures that are no faces, though a detector may take them for some.

A face score does not separate faces from anything, but faces from what the cascade
detects: its raw detections in textures, in photographs without people, and in the parts of
real footage where nobody is. Nothing here depends on the daemon's tracker or its settings.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib.resources import as_file, files
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from edge.files import write_atomically
from train.datasets.detections import cut, load_cascade, raw_detections
from train.datasets.fer2013 import SIZE
from train.datasets.footage import TRAINING, beside_people, present
from train.datasets.textures import FRAME, TEXTURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Gray = NDArray[np.uint8]
    """``(H, W)`` gray levels."""

T = TypeVar("T")

_PHOTOGRAPHS = ("china.jpg", "flower.jpg")
"""Scikit-learn's, without people."""

_FROM_ONE = 6
"""Detections that are used of one picture, at most: many pictures teach more than many detections."""


def clutter(count: int, clips: Path | None, seed: int = 1, *, advance: Callable[[int], None] = lambda _: None) -> Gray:
    """Return negatives, the same for the same arguments.

    Args:
        count: How many; half of them from textures, a quarter each from photographs and clips.
        clips: The folder of the clips `TRAINING`; textures take the place of what is missing there.
        seed: Another one gives other textures and other views of the photographs.
        advance: Called with the number of pictures done.

    Returns:
        ``(count, 48, 48)``

    Raises:
        DataError: A clip is another one of that name.
    """
    random = np.random.default_rng(seed)
    part = count // 4
    found = list(_counted(islice(detections_in(_views(random), random), part), advance))
    if clips:
        beside = [picture for footage in TRAINING for picture in beside_people(footage, clips, random)]
        found += _counted(_some(beside, part, random), advance)
    found += _counted(islice(detections_in(_textures(random), random), count - len(found)), advance)
    return np.stack(found)


def clutter_once(file: Path, *, anew: bool) -> Callable[..., Gray]:
    """Return `clutter`, which takes what a file already has: a run that goes on does not wait for it again.

    Args:
        file: ``.npz``; written where it is missing, or has something else.
        anew: Detect and write in any case.
    """

    def negatives(count: int, clips: Path | None, *, advance: Callable[[int], None]) -> Gray:
        kept = None if anew else _kept(file, count, present(clips))
        if kept is None:
            kept = clutter(count, clips, advance=advance)
            content = io.BytesIO()
            np.savez(content, pictures=kept, clips=np.array(present(clips), np.str_))
            write_atomically(file, content.getvalue())
        return kept

    return negatives


def _kept(file: Path, count: int, clips: tuple[str, ...]) -> Gray | None:
    """Return the pictures of a file of `clutter_once`; None: it is no such file, or has others."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            pictures, seen = stored["pictures"], tuple(stored["clips"].tolist())
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    fits = pictures.dtype == np.uint8 and pictures.shape == (count, SIZE, SIZE) and seen == clips
    return pictures if fits else None


def fingerprint(pictures: Gray) -> str:
    """Return the SHA-256 of the pictures' pixels, in hexadecimal."""
    return hashlib.sha256(pictures.tobytes()).hexdigest()


def _counted(pictures: Iterable[Gray], advance: Callable[[int], None]) -> Iterator[Gray]:
    for picture in pictures:
        yield picture
        advance(1)


def _some(things: Sequence[T], most: int, random: np.random.Generator) -> list[T]:
    """Return so many of them at random, or all, each at most once."""
    return [things[i] for i in random.permutation(len(things))[:most]]


def detections_in(pictures: Iterable[Gray], random: np.random.Generator) -> Iterator[Gray]:
    """Yield what the cascade detects in pictures without faces, ``(48, 48)`` each."""
    cascade = load_cascade()
    for picture in pictures:
        yield from cut(picture, _some(raw_detections(cascade, picture), _FROM_ONE, random))


def _views(random: np.random.Generator) -> Iterator[Gray]:
    """Yield parts of the photographs as a camera might see them, without end."""
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
        yield _exposed(cv2.resize(np.ascontiguousarray(view), FRAME), random)


def _photograph(name: str) -> Gray:
    with as_file(files("sklearn.datasets.images") / name) as path:
        return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


def _textures(random: np.random.Generator) -> Iterator[Gray]:
    """Yield textures without end."""
    while True:
        picture = TEXTURES[int(random.integers(len(TEXTURES)))](random)
        yield _exposed(cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 2.0)), random)


def _exposed(picture: NDArray[Any], random: np.random.Generator) -> Gray:
    """Return a picture as a camera would expose it, often too dark, so that dim and flat pictures score low too."""
    lit = picture * random.uniform(0.25, 1.0) + random.normal(0, random.uniform(0, 8), picture.shape)
    return np.asarray(lit.clip(0, 255), np.uint8)
