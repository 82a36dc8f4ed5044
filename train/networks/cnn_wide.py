"""A wide network of plain convolutions, as a source publishes it under the name "Model 2": 3,841,543 parameters.

The source names neither padding nor the places of the pools. Without padding, a pool before the 5x5 convolution, one
behind it and one in the end leave the 2x2 places of 512 channels that its first dense layer has kernels for.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers
from pydantic import Field

from train.networks.config import NetworkSettings


class CnnWideConfig(NetworkSettings):
    """Widths of the network."""

    kind: Literal["cnn_wide"] = "cnn_wide"

    stem: int = Field(default=32, gt=0)
    """Channels of the first convolution, the one that is not normalised."""

    widths: tuple[int, int, int, int] = (64, 128, 512, 512)
    """Channels of the others."""

    dense: tuple[int, ...] = (256, 512)
    """Units of each dense layer."""

    activation: str = "relu"

    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Dropout after each pool and each dense layer."""


def cnn_wide(config: CnnWideConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 48, 48, 1)`` gray levels 0..255 to ``(N, classes)`` float32 logits.
    """
    pixels = keras.Input((config.size, config.size, 1), name="pixels")
    x = layers.Rescaling(1 / 255, name="rescale")(pixels)
    x = layers.Conv2D(config.stem, 3, activation=config.activation, name="stem")(x)
    for number, (width, kernel, pool) in enumerate(
        zip(config.widths, (3, 5, 3, 3), (True, True, False, True), strict=True), start=1
    ):
        x = layers.Conv2D(width, kernel, activation=config.activation, name=f"conv{number}")(x)
        x = layers.BatchNormalization(name=f"norm{number}")(x)
        if pool:
            x = layers.MaxPooling2D(name=f"pool{number}")(x)
            x = layers.Dropout(config.dropout, name=f"dropout{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(config.dense, start=1):
        x = layers.Dense(units, activation=config.activation, name=f"dense{number}")(x)
        x = layers.BatchNormalization(name=f"dense{number}_norm")(x)
        x = layers.Dropout(config.dropout, name=f"dense{number}_dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="cnn_wide")
