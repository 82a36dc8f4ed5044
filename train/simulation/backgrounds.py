"""Rooms to put people into: procedural clutter in which a detector may find false faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[np.float32]
    """``(H, W)`` gray levels, 0 to 255."""

    Draw = Callable[[np.random.Generator, Picture], None]


def room(random: np.random.Generator, width: int, height: int) -> Picture:
    """Return an empty room: a lit wall and a floor, furniture, lines, discs and textures, a little out of focus."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, down = random.uniform(-70, 70, 2)
    picture = random.uniform(90, 170) + across * (x / width - 0.5) + down * (y / height - 0.5)
    picture[int(height * random.uniform(0.6, 0.95)) :] -= random.uniform(-50, 50)
    kinds: tuple[Draw, ...] = (_board, _disc, _line, _patch, _shelf)
    for kind in random.integers(0, len(kinds), random.integers(15, 35)):
        kinds[kind](random, picture)
    blurred = cv2.GaussianBlur(picture.clip(0, 255), (0, 0), random.uniform(0.6, 1.8))
    return np.asarray(blurred, np.float32)


def texture(random: np.random.Generator, width: int, height: int) -> Picture:
    """Return stripes, checks or band-limited noise of ``(height, width)``."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    level, contrast = random.uniform(60, 190), random.uniform(10, 60)
    kind = random.integers(3)
    if kind == 2:
        scale = random.uniform(2, 12)  # pixels of the finest detail; the next octave stays
        white = random.normal(0, 1, (height, width)).astype(np.float32)
        band = cv2.GaussianBlur(white, (0, 0), scale / 2) - cv2.GaussianBlur(white, (0, 0), scale)
        wave = band / (band.std() + 1e-6)
    else:
        turn, period = random.uniform(0, np.pi), random.uniform(6, 40)
        wave = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / period)
        if kind == 1:
            wave = np.sign(wave * np.sin(2 * np.pi * (y * np.cos(turn) - x * np.sin(turn)) / period))
    return np.asarray((level + contrast * wave).clip(0, 255), np.float32)


def _board(random: np.random.Generator, picture: Picture) -> None:
    """Draw a plain rectangle, often with a frame: a door, a picture, a cupboard."""
    left, top, right, bottom = _somewhere(random, picture, 0.04, 0.4)
    cv2.rectangle(picture, (left, top), (right, bottom), (random.uniform(20, 235),), -1)
    if random.random() < 0.6:
        cv2.rectangle(picture, (left, top), (right, bottom), (random.uniform(20, 235),), int(random.integers(1, 9)))


def _disc(random: np.random.Generator, picture: Picture) -> None:
    left, top, right, bottom = _somewhere(random, picture, 0.02, 0.25)
    middle, axes = ((left + right) // 2, (top + bottom) // 2), ((right - left) // 2, (bottom - top) // 2)
    cv2.ellipse(picture, middle, axes, 0, 0, 360, (random.uniform(20, 235),), -1, cv2.LINE_AA)


def _line(random: np.random.Generator, picture: Picture) -> None:
    height, width = picture.shape
    (x1, x2), (y1, y2) = random.integers(0, width, 2), random.integers(0, height, 2)
    ends = (int(x1), int(y1)), (int(x2), int(y2))
    cv2.line(picture, *ends, (random.uniform(20, 235),), int(random.integers(1, 8)), cv2.LINE_AA)


def _patch(random: np.random.Generator, picture: Picture) -> None:
    left, top, right, bottom = _somewhere(random, picture, 0.05, 0.4)
    picture[top:bottom, left:right] = texture(random, right - left, bottom - top)


def _shelf(random: np.random.Generator, picture: Picture) -> None:
    """Draw books or bottles beside each other."""
    left, top, right, bottom = _somewhere(random, picture, 0.08, 0.35)
    while left < right:
        book = min(int(random.integers(5, 25)), right - left)
        upper = top + int(random.uniform(0, 0.4) * (bottom - top))
        cv2.rectangle(picture, (left, upper), (left + book, bottom), (random.uniform(20, 235),), -1)
        left += book


def _somewhere(random: np.random.Generator, picture: Picture, least: float, most: float) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom within the picture, `least` to `most` of its width and height."""
    height, width = picture.shape
    part = random.uniform(least, most, 2)
    wide, high = max(2, int(part[0] * width)), max(2, int(part[1] * height))
    left, top = int(random.integers(0, width - wide)), int(random.integers(0, height - high))
    return left, top, left + wide, top + high
