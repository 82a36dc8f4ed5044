"""From a model's file to a function from faces to logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from edge.inference.bundle import ModelBundle
from edge.vision.crops import all_resized
from train import report
from train.datasets import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from train.evaluate.metrics import Logits

_BATCH = 256


def open_model(path: Path) -> tuple[Logits, tuple[str, ...]]:
    """Return the function from ``(N, 48, 48)`` gray levels to a model's logits, and the model's labels.

    A bundle's logits are divided by its temperature.

    Args:
        path: A bundle's ``.tflite``, or a ``.keras`` file with its report beside it.

    Raises:
        BundleError: It is no valid bundle.
        DataError: It is no Keras model, or there is no report beside it.
    """
    if path.suffix == ".tflite":
        bundle = ModelBundle.load(path)
        temperature, size = bundle.card.calibration.temperature, (bundle.card.input.width, bundle.card.input.height)

        def logits(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            return bundle.network.logits(all_resized(pixels, *size)).columns / np.float32(temperature)

        return logits, bundle.outputs.columns
    labels = report.read(path.with_suffix(".json")).labels
    try:
        return keras_logits(keras.models.load_model(path, compile=False)), labels
    except (ValueError, OSError) as error:
        message = f"{path}: not a Keras model: {str(error).splitlines()[0]}"
        raise DataError(message) from error


def keras_logits(model: keras.Model) -> Logits:
    """Return the function from ``(N, 48, 48)`` gray levels to the Keras model's logits."""

    def logits(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(model.predict(pixels[..., None], batch_size=_BATCH, verbose=0), np.float32)

    return logits
