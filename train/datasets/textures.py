"""Textures that a face detector may take for faces: discs, clouds, cloth, shapes and print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FRAME = 640, 480
"""Width and height of a picture, in pixels."""


def _dead_leaves(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw discs that hide each other, their sizes as in nature.

    Lee, Mumford and Huang, "Occlusion Models for Natural Images", IJCV 2001.
    """
    width, height = FRAME
    picture = np.full((height, width), 128, np.float32)
    for radius in sorted(6 * (1 - random.random(800)) ** (-1 / 2), reverse=True):
        middle = int(random.integers(width)), int(random.integers(height))
        axes = int(min(radius, width)), int(min(radius * random.uniform(0.5, 1), width))
        cv2.ellipse(picture, middle, axes, random.uniform(0, 180), 0, 360, (random.uniform(10, 245),), -1)
    return picture


def _cloud(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw noise whose spectrum falls as in nature, with the frequency to the power of about one."""
    width, height = FRAME
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(random.normal(0, 1, (height, width))) / frequency ** random.uniform(0.7, 1.5)
    waves = np.fft.irfft2(spectrum, s=(height, width))
    waves -= waves.mean()
    return np.asarray(random.uniform(80, 170) + random.uniform(20, 60) * waves / waves.std(), np.float32)


def _cloth(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw stripes or checks in folds."""
    folds = (_cloud(random) - 128) * random.uniform(0.05, 0.5)
    y, x = np.mgrid[0 : FRAME[1], 0 : FRAME[0]].astype(np.float32)
    turn, period = random.uniform(0, np.pi), random.uniform(8, 60)
    wave = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn) + folds) / period)
    if random.random() < 1 / 2:
        wave *= np.sin(2 * np.pi * (y * np.cos(turn) - x * np.sin(turn) + folds) / period)
    return np.asarray(random.uniform(70, 180) + random.uniform(20, 80) * wave + folds, np.float32)


def _shapes(random: np.random.Generator) -> NDArray[np.float32]:
    """Draw polygons and bars, plain or of cloth, before a wall that is lit from a side."""
    width, height = FRAME
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
    width, height = FRAME
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
