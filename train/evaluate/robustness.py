"""How much accuracy a model loses on test faces as poor cameras, rooms and inexact boxes show them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.geometry import Rect
from edge.inference.outputs import softmax
from edge.vision.crops import cut_out, resized
from train.datasets.fer2013 import SIZE
from train.evaluate import room
from train.evaluate.metrics import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from train.datasets import Faces
    from train.evaluate.metrics import Logits

    Pictures = NDArray[np.uint8]
    """``(N, 48, 48)`` gray levels."""

_WHITE = 255
_SEED = 1


def _noise(pictures: Pictures, sigma: float) -> Pictures:
    random = np.random.default_rng(_SEED)
    return room.levels(pictures + random.normal(0, sigma * _WHITE, pictures.shape))


def _gamma(pictures: Pictures, exponent: float) -> Pictures:
    return room.levels(_WHITE * (pictures / _WHITE) ** exponent)


def _each(pictures: Pictures, change: Callable[[Pictures], NDArray[Any]]) -> Pictures:
    return np.stack([np.asarray(change(picture), np.uint8) for picture in pictures])


def _jpeg(picture: Pictures, quality: int) -> Pictures:
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)


def _boxes(pictures: Pictures, across: float = 0.0, down: float = 0.0, grown: float = 0.0) -> Pictures:
    """Cut another box out of each picture; beyond the picture its edge is repeated, as at the edge of a frame."""
    box = Rect(0, 0, SIZE, SIZE).moved(across * SIZE, down * SIZE).expanded(grown)
    return _each(pictures, lambda one: resized(cut_out(one, box), SIZE, SIZE))


_SHIFT = 0.15
_MARGIN = 4 / SIZE
"""On each side; whole pixels, as a detector's box is cut."""

_DIRECTIONS = ((_SHIFT, 0), (-_SHIFT, 0), (0, _SHIFT), (0, -_SHIFT))

NONE = "none"
NOISE = {f"noise, deviation {sigma} of white": sigma for sigma in (0.05, 0.1, 0.2)}
"""The names of changes by noise, and its standard deviations."""

CHANGES: dict[str, Sequence[Callable[[Pictures], Pictures]]] = {
    NONE: [lambda p: p],
    **{name: [partial(_noise, sigma=sigma)] for name, sigma in NOISE.items()},
    "gamma 0.5": [partial(_gamma, exponent=0.5)],
    "gamma 2": [partial(_gamma, exponent=2.0)],
    "blur, deviation 1 pixel": [lambda p: _each(p, lambda one: cv2.GaussianBlur(one, (0, 0), 1.0))],
    "JPEG, quality 30": [lambda p: _each(p, lambda one: _jpeg(one, 30))],
    "seen at 24 pixels": [lambda p: _each(p, lambda one: resized(resized(one, SIZE // 2, SIZE // 2), SIZE, SIZE))],
    "box shifted by 15 %": [partial(_boxes, across=x, down=y) for x, y in _DIRECTIONS],
    "box larger by a sixth": [partial(_boxes, grown=_MARGIN)],
    "box smaller by a sixth": [partial(_boxes, grown=-_MARGIN)],
    "light from the left or right": [partial(room.side_light, right=x, below=0) for x in (-0.6, 0.6)],
    "light from above or below": [partial(room.side_light, right=0, below=y) for y in (-0.6, 0.6)],
    "tone curve of an S": [partial(room.tone, bend=0.8)],
    "flat tone curve": [partial(room.tone, bend=-0.8)],
    "motion blur, 5 pixels": [partial(room.motion, right=x, down=y) for x, y in ((1, 0), (0, 1), (1, 1), (1, -1))],
    "glasses": [partial(room.glasses, dark=False)],
    "dark glasses": [partial(room.glasses, dark=True)],
    "hand before the mouth": [partial(room.hand, across=24, down=44, lean=0)],
    "hand at a cheek": [partial(room.hand, across=x, down=36, lean=a) for x, a in ((6, 110), (42, 70))],
}
"""Each change by its name; of several ways, such as directions, the mean accuracy counts."""


def under_changes(
    logits: Logits, labels: Sequence[str], faces: Faces, names: Iterable[str] = tuple(CHANGES)
) -> Iterator[tuple[str, float]]:
    """Evaluate a model on changed faces.

    Args:
        logits: The model.
        labels: Its labels.
        faces: Test faces.
        names: Which of `CHANGES`.

    Yields:
        The change and the mean accuracy over its ways.
    """
    for name in names:
        found = [evaluate(softmax(logits(way(faces.pixels))), labels, faces).accuracy for way in CHANGES[name]]
        yield name, float(np.mean(found))
