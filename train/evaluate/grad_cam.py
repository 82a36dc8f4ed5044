"""Where a network looks: Grad-CAM.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import keras
import numpy as np

from train.datasets import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


_CONVOLUTIONS = keras.layers.Conv2D, keras.layers.DepthwiseConv2D


def grad_cam(model: keras.Model, picture: NDArray[np.uint8], column: int) -> NDArray[np.float32]:
    """Return how much each pixel's place speaks for one of a network's answers.

    Args:
        model: The network.
        picture: ``(H, W)`` gray levels in its size.
        column: Of the answer.

    Returns:
        ``(H, W)`` from 0 to 1; all 0 where nothing speaks for it.

    Raises:
        DataError: The network has no map of places or no gradient, or Keras has another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        message = f"Grad-CAM needs Keras with TensorFlow, not with {keras.backend.backend()}: unset KERAS_BACKEND"
        raise DataError(message)
    import tensorflow as tf  # noqa: PLC0415  # it may not be installed beside another backend

    last = _last_map(model)
    maps = keras.Model(model.input, last)(picture[None, ..., None].astype(np.float32), training=False)
    # Only what follows the map is differentiated.
    rest = keras.Model(last, model.output)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        answer = rest(maps, training=False)[0, column]
    gradient = tape.gradient(answer, maps)
    if gradient is None:
        message = f"{model.name}: its answer has no gradient, so there is nothing for Grad-CAM to show"
        raise DataError(message)
    slopes = np.asarray(gradient)[0].mean(axis=(0, 1))
    found = np.maximum(np.asarray(maps)[0].astype(np.float32) @ slopes.astype(np.float32), 0)
    height, width = picture.shape
    large = cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large / max(float(large.max()), np.finfo(np.float32).tiny), np.float32)


def _last_map(model: keras.Model) -> keras.KerasTensor:
    """Return the last map as large as that of the last convolution: with all that is done to it before it is pooled."""
    outputs = [(layer, layer.output) for layer in model.layers]
    maps = [(layer, x) for layer, x in outputs if hasattr(x, "shape") and len(x.shape) == 4 and min(x.shape[1:3]) > 1]
    sizes = [x.shape[1:3] for layer, x in maps if isinstance(layer, _CONVOLUTIONS)]
    if not sizes:
        message = f"{model.name}: it has no map of places, so there is nothing for Grad-CAM to show"
        raise DataError(message)
    return [x for _, x in maps if x.shape[1:3] == sizes[-1]][-1]
