"""Networks that take landmarks, run on pictures: each picture's landmarks are looked up."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from train.landmarks import cache
from train.networks.landmarks import INPUT

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from train.datasets import Faces
    from train.evaluate.metrics import Logits
    from train.examples import Examples

FILE = Path(os.environ.get("LANDMARKS", "runs/landmarks/fer2013.npz"))
"""What ``make landmarks`` writes."""

FOUND = "mesh"
"""What figures say that are of the faces with landmarks alone."""

_BATCH = 256


def takes_landmarks(model: keras.Model) -> bool:
    """Return whether a Keras model's input is landmarks."""
    return bool([tensor.name for tensor in model.inputs] == [INPUT])


def landmark_logits(model: keras.Model) -> Logits:
    """Return the function from ``(N, 48, 48)`` gray levels of FER2013 to the logits of a model of landmarks."""
    kept = cache.read(FILE)

    def logits(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = model.predict(_filled(kept.of(pixels))[..., None], batch_size=_BATCH, verbose=0)
        return np.asarray(found, np.float32)

    return logits


def with_mesh(faces: Faces) -> Faces:
    """Return the faces that landmarks were found in."""
    return faces.select(_found(cache.read(FILE).of(faces.pixels)))


def seen_by_landmarks(examples: Examples) -> Examples:
    """Return examples with landmarks in the place of pictures; zeros where none were found.

    Raises:
        DataError: The file of landmarks is missing, or is of other pictures.
    """
    kept = cache.read(FILE)
    points = kept.of(np.asarray(examples.pixels, np.uint8))
    missing = int((~_found(points)).sum())
    said = f"of the pictures {kept.checksum}; {missing:,} of {len(points):,} faces have none"
    return replace(examples, pixels=_filled(points), sources={**examples.sources, "landmarks": said})


def _found(points: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(points[:, 0, 0]), np.bool_)


def _filled(points: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(points, nan=0.0)
