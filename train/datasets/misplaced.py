"""Misplaced boxes: crops that lie beside a face, or show only a part of it.

That is what the box of a detector or a tracker shows when it has slipped. A face score that knows only clutter from
faces is sure of half a face too, and nothing then moves the box back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from train.datasets.textures import TEXTURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Gray = NDArray[np.uint8]

_BESIDE = 0.4, 0.8
"""Distance of a crop's middle from the face's, in the face's widths; true boxes lie within 0.2."""

_SIZES = 0.8, 1.25
"""Sides of these crops, in the same."""

_PARTS = 0.3, 0.5
"""Sides of crops that show a part of a face alone: an eye with a brow, a mouth with the nose."""

_ON_ONE = 16
"""Crops before one texture."""

_ROOM = 3
"""Sides of the picture that is drawn around a face, in the face's widths."""


def misplaced(faces: Gray, count: int, seed: int = 1) -> Gray:
    """Return crops that are no faces though they show something of one, the same for the same arguments.

    Args:
        faces: ``(N, 48, 48)``, cut to the face.
        count: How many; a third of them are parts of faces, the others lie beside them.
        seed: Another one gives others.

    Returns:
        ``(count, 48, 48)``
    """
    random = np.random.default_rng(seed)
    crops = np.empty((count, *faces.shape[1:]), np.uint8)
    texture = np.empty(0, np.float32)
    for index in range(count):
        if index % _ON_ONE == 0:
            texture = TEXTURES[int(random.integers(len(TEXTURES)))](random)
        face = faces[int(random.integers(len(faces)))]
        crops[index] = _part(face, random) if index % 3 == 0 else _beside(face, texture, random)
    return crops


def _part(face: Gray, random: np.random.Generator) -> Gray:
    side = len(face)
    size = random.uniform(*_PARTS) * side
    left, top = random.uniform(0, side - size, 2)
    return _cut(face, left, top, size)


def _beside(face: Gray, texture: NDArray[np.float32], random: np.random.Generator) -> Gray:
    """Return a crop beside a face before a texture, into which the face's edge fades."""
    side = len(face)
    height, width = texture.shape
    left, top = int(random.integers(width - _ROOM * side)), int(random.integers(height - _ROOM * side))
    scene = texture[top : top + _ROOM * side, left : left + _ROOM * side].astype(np.float32)
    # As bright as the face, about: rooms light both.
    scene += (float(face.mean()) - float(scene.mean())) * random.uniform(0, 1)
    inside = slice(side, 2 * side)
    weight = _faded(side)
    scene[inside, inside] = weight * face + (1 - weight) * scene[inside, inside]
    size, distance, way = random.uniform(*_SIZES) * side, random.uniform(*_BESIDE) * side, random.uniform(0, 2 * np.pi)
    middle = _ROOM * side / 2
    x, y = middle + distance * np.cos(way), middle + distance * np.sin(way)
    return _cut(scene, x - size / 2, y - size / 2, size)


def _faded(side: int) -> NDArray[np.float32]:
    """Return the weight of each pixel of a face: 1 inside, less toward the edge and the corners."""
    y, x = np.mgrid[0:side, 0:side] / ((side - 1) / 2) - 1
    return np.asarray(np.clip((1.1 - (x**4 + y**4) ** (1 / 4)) / 0.2, 0, 1), np.float32)


def _cut(picture: NDArray[np.generic], left: float, top: float, size: float) -> Gray:
    """Return a square part of a picture, resampled to 48 pixels a side."""
    scale = size / 48
    # Pixel centres to pixel centres.
    part = np.array([[scale, 0, left + scale / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]])
    found = cv2.warpAffine(
        np.asarray(picture, np.float32),
        part,
        (48, 48),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(found.clip(0, 255).round(), np.uint8)
