"""The views of a face whose readings are averaged: as it is, mirrored, a tenth nearer, and both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.geometry import Rect
from edge.vision.crops import all_resized, crop, cut_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.card import Card


@dataclass(frozen=True)
class View:
    """One way to look at a face.

    Example:
        >>> View(margin=-0.05, mirrored=True)  # the crop is 0.9 times as wide
        View(margin=-0.05, mirrored=True)
    """

    margin: float
    """Part of the face's width and height that is added on each side; below 0 the face is nearer."""

    mirrored: bool
    """Whether left and right are exchanged."""

    def of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture mirrored, or as it is."""
        return np.asarray(cv2.flip(picture, 1), np.uint8) if self.mirrored else picture


VIEWS = (
    View(margin=0.0, mirrored=False),
    View(margin=0.0, mirrored=True),
    View(margin=-0.05, mirrored=False),
    View(margin=-0.05, mirrored=True),
)
"""The views that a mean is taken over; a bundle's calibration is fitted to the mean of their probabilities."""


def view_crop(gray: NDArray[np.uint8], face: Rect, card: Card, view: View, tilt: float = 0.0) -> NDArray[np.uint8]:
    """Return a face in a view as the model's input; the arguments and the result are those of `crop`."""
    return view.of(crop(gray, face.expanded(view.margin), card, tilt))


def view_stills(stills: NDArray[np.uint8], view: View, width: int, height: int) -> NDArray[np.uint8]:
    """Return pictures that are cut to a face already in a view, by the resampling of `crop`.

    Args:
        stills: ``(N, H, W)`` uint8, at least one.
        view: The view.
        width: Of the result.
        height: Of the result.

    Returns:
        ``(N, height, width)`` uint8.
    """
    part = Rect(0, 0, stills.shape[2], stills.shape[1]).expanded(view.margin)
    return all_resized((view.of(cut_out(still, part)) for still in stills), width, height)
