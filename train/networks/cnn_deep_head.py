"""Four convolutions under a head of five dense layers, as a source describes it.

The source gives widths, kernels and dropout, but no parameter count and no word on padding or normalisation. Here the
convolutions are padded, a pool follows each, and all but the logits are normalised: 6,318,471 parameters for seven
classes. Without normalisation the network gave every face the most frequent class after two epochs (24.9 %).
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers
from pydantic import Field, model_validator

from train.networks.config import NetworkSettings


class CnnDeepHeadConfig(NetworkSettings):
    """Widths of the network."""

    kind: Literal["cnn_deep_head"] = "cnn_deep_head"

    widths: tuple[int, ...] = (64, 128, 256, 512)
    """Channels of each convolution; 2x2 pooling follows each."""

    kernels: tuple[int, ...] = (3, 5, 3, 5)
    """Side of each convolution's kernel."""

    dense: tuple[int, ...] = (512, 256, 128, 64)
    """Units of each dense layer before the last."""

    activation: str = "relu"

    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout after each pool."""

    dense_dropout: float = Field(default=0.25, ge=0, lt=1)
    """Dropout after each dense layer."""

    @model_validator(mode="after")
    def _each_convolution_has_a_kernel(self) -> CnnDeepHeadConfig:
        if len(self.widths) != len(self.kernels):
            message = f"kernels: write one number for each of the {len(self.widths)} widths, not {len(self.kernels)}"
            raise ValueError(message)
        return self


def cnn_deep_head(config: CnnDeepHeadConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 48, 48, 1)`` gray levels 0..255 to ``(N, classes)`` float32 logits.
    """
    pixels = keras.Input((config.size, config.size, 1), name="pixels")
    x = layers.Rescaling(1 / 255, name="rescale")(pixels)
    for number, (width, kernel) in enumerate(zip(config.widths, config.kernels, strict=True), start=1):
        x = layers.Conv2D(width, kernel, padding="same", activation=config.activation, name=f"conv{number}")(x)
        x = layers.BatchNormalization(name=f"norm{number}")(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
        x = layers.Dropout(config.dropout, name=f"dropout{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(config.dense, start=1):
        x = layers.Dense(units, activation=config.activation, name=f"dense{number}")(x)
        x = layers.BatchNormalization(name=f"dense{number}_norm")(x)
        x = layers.Dropout(config.dense_dropout, name=f"dense{number}_dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="cnn_deep_head")
