"""EfficientNet-B0 with a dense layer of 512 before its classifier.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; the body is Keras'
own. Its source starts from weights that were trained on ImageNet. The project has none and gets none: who has the file,
`efficientnetb0_notop.h5` for Keras, names it in `weights`; all others start from random ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import keras
from keras import layers
from pydantic import Field

from train.networks.config import NetworkSettings

_LAST = "top_activation"
"""The last layer of the body, as Keras names it."""


class EfficientNetB0Config(NetworkSettings):
    """The head of the network, and where its body starts from."""

    size: ClassVar[int] = 224
    depthwise: ClassVar[bool] = True

    kind: Literal["efficientnet_b0"] = "efficientnet_b0"

    dense: int = Field(default=512, gt=0)
    """Units of the dense layer before the classifier."""

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Dropout before and after it; the source does not say how much."""

    weights: Path | None = None
    """Weights of the body in Keras' own form, relative to the repository; None: random ones."""


def efficientnet_b0(config: EfficientNetB0Config, classes: int) -> keras.Model:
    """Build the network, with random weights.

    Returns:
        A model from ``(N, 224, 224, 1)`` gray levels 0..255 to ``(N, classes)`` float32 logits; it makes three equal
        channels of the one.
    """
    pixels = keras.Input((config.size, config.size, 1), name="pixels")
    rgb = layers.Concatenate(name="rgb")([pixels, pixels, pixels])
    body = keras.applications.EfficientNetB0(include_top=False, weights=None, input_tensor=rgb)
    x = layers.GlobalAveragePooling2D(name="pool")(body.output)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.Dense(config.dense, activation="relu", name="dense")(x)
    x = layers.Dropout(config.dropout, name="dense_dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="efficientnet_b0")


def load_body(network: keras.Model, path: Path) -> None:
    """Set the body's weights to those in a file.

    Raises:
        OSError: The file is missing.
        ValueError: It holds something else.
    """
    keras.Model(network.input, network.get_layer(_LAST).output).load_weights(path)
