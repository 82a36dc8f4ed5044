"""What a room, a camera and people do to a face, drawn on test faces: light, tone curves, movement, glasses, hands.

Other code than the augmentation's draws it, so that training does not see what it is measured by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train.datasets.fer2013 import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Pictures = NDArray[np.uint8]
    """``(N, 48, 48)`` gray levels."""

_WHITE = 255
_PAINT = (float(_WHITE),)
_FINE = 4
"""Shapes are drawn as many times larger as this, and reduced: their edges lie between pixels."""

_EYES = ((15.0, 18.0), (33.0, 18.0))
"""Where they are in FER2013's pictures, by the mean of all: pixels across and down."""


def levels(values: NDArray[Any]) -> Pictures:
    """Return gray levels, rounded and clipped."""
    return np.asarray(np.rint(values).clip(0, _WHITE), np.uint8)


def side_light(pictures: Pictures, right: float, below: float) -> Pictures:
    """Light faces from one side.

    Args:
        pictures: The faces.
        right: By which part the right edge gets more light, and the left one less.
        below: By which part the lower edge does.
    """
    place = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    return levels(pictures * (1 + right * place[None, :] + below * place[:, None]))


def tone(pictures: Pictures, bend: float) -> Pictures:
    """Bend the tone curve to an S, which takes from the dark and gives to the bright; below 0 to its opposite."""
    part = pictures.astype(np.float64) / _WHITE
    return levels(_WHITE * (part - bend * np.sin(2 * np.pi * part) / (2 * np.pi)))


def motion(pictures: Pictures, right: int, down: int, length: int = 5) -> Pictures:
    """Blur along a line of an odd number of pixels: a head that moves while the picture is taken.

    Args:
        pictures: The faces.
        right: -1, 0 or 1.
        down: -1, 0 or 1.
        length: How many pixels it passes.
    """
    kernel = np.zeros((length, length), np.float32)
    for step in range(-(length // 2), length // 2 + 1):
        kernel[length // 2 + step * down, length // 2 + step * right] = 1 / length
    return np.stack([cv2.filter2D(one, -1, kernel, borderType=cv2.BORDER_REPLICATE) for one in pictures])


def glasses(pictures: Pictures, *, dark: bool) -> Pictures:
    """Put on glasses with round frames, or with lenses that nothing is seen through."""

    def draw(canvas: Pictures) -> None:
        thickness = round(1.5 * _FINE)
        for eye in _EYES:
            inside = cv2.FILLED if dark else thickness
            cv2.ellipse(canvas, _point(*eye), _point(7, 5.5), 0, 0, 360, _PAINT, inside, cv2.LINE_AA)
        for one, other in (((22, 17), (26, 17)), ((8, 16.5), (0, 15)), ((40, 16.5), (48, 15))):
            cv2.line(canvas, _point(*one), _point(*other), _PAINT, thickness, cv2.LINE_AA)

    return _covered(pictures, draw, np.full(len(pictures), 30))


def hand(pictures: Pictures, across: float, down: float, lean: float) -> Pictures:
    """Cover a part of each face with an ellipse of the face's own gray.

    Args:
        pictures: The faces.
        across: Its middle, in pixels.
        down: Its middle, in pixels.
        lean: Degrees that its longer axis, of 30 pixels, is turned by from lying.
    """

    def draw(canvas: Pictures) -> None:
        cv2.ellipse(canvas, _point(across, down), _point(15, 9), lean, 0, 360, _PAINT, cv2.FILLED, cv2.LINE_AA)

    return _covered(pictures, draw, np.median(pictures[:, 20:32, 12:36], axis=(1, 2)))


def _point(across: float, down: float) -> tuple[int, int]:
    return round(across * _FINE), round(down * _FINE)


def _covered(pictures: Pictures, draw: Callable[[Pictures], None], gray: NDArray[Any]) -> Pictures:
    canvas = np.zeros((SIZE * _FINE, SIZE * _FINE), np.uint8)
    draw(canvas)
    part = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA) / _WHITE
    return levels(pictures * (1 - part) + gray[:, None, None] * part)
