"""What the networks of landmarks share: which points they see, and in which coordinates.

A mesh has 478 points with x, y and depth in widths of the picture. Where a picture has no mesh all are zero: a network
learns one answer for all of these faces.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from train.landmarks import POINTS
from train.networks.config import NetworkSettings

INPUT = "landmarks"
"""Name of the input, by which such a network is known in a file."""

_LINES = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 61),  # outer lips
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191, 78),  # inner lips
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466, 263),  # left eye
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 33),  # right eye
    (276, 283, 282, 295, 285),  # left eyebrow, its lower and its upper edge
    (300, 293, 334, 296, 336),
    (46, 53, 52, 65, 55),  # right eyebrow
    (70, 63, 105, 66, 107),
    (
        10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
        150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10,
    ),  # the face's outline
    (474, 475, 476, 477, 474),  # left iris
    (469, 470, 471, 472, 469),  # right iris
    (168, 6, 197, 195, 5, 4, 1, 19, 94, 2),  # the nose's ridge
    (4, 45, 220, 115, 48, 64, 98, 97, 2, 326, 327, 294, 278, 344, 440, 275, 4),  # its wings
)  # fmt: skip

EDGES = tuple((a, b) for line in _LINES for a, b in itertools.pairwise(line))
"""The 157 edges that MediaPipe draws: lips, eyes, eyebrows, irises, nose and outline."""

ANATOMICAL = tuple(sorted({point for edge in EDGES for point in edge}))
"""The 160 points at these edges."""


class LandmarkSettings(NetworkSettings):
    """The configuration of a network that takes landmarks."""

    landmarks: ClassVar[bool] = True


def landmark_input() -> Any:
    """Return the input: ``(N, 478, 3, 1)``."""
    return keras.Input((POINTS, 3, 1), name=INPUT)


def centred(mesh: Any, points: tuple[int, ...] | None = None) -> Any:
    """Return ``(N, P, 3)`` coordinates about the mesh's centre, in units of its size; of all points or some."""
    x = layers.Reshape((POINTS, 3), dtype="float32", name="points")(mesh)
    x = ops.subtract(x, ops.mean(x, axis=1, keepdims=True))
    size = ops.sqrt(ops.mean(ops.square(x), axis=(1, 2), keepdims=True) + 1e-8)
    x = ops.divide(x, size)
    return x if points is None else ops.take(x, np.array(points), axis=1)


def standardised(x: Any, noise: float) -> Any:
    """Return ``(N, P, 3)`` coordinates, each with mean 0 and deviation 1 over the training faces.

    Args:
        x: The coordinates.
        noise: Standard deviation of what is added in training.
    """
    _, count, axes = x.shape
    x = layers.Reshape((count * axes,), dtype="float32", name="features")(x)
    x = layers.BatchNormalization(center=False, scale=False, dtype="float32", name="standardise")(x)
    x = layers.GaussianNoise(noise, dtype="float32", name="noise")(x)
    return layers.Reshape((count, axes), dtype="float32", name="standardised")(x)
