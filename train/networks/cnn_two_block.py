"""A small network of plain convolutions, as a source publishes it under the name "Model 1".

The source lists 71,655 parameters for the last layer, which contradicts the shape that it gives: 1,024 inputs and seven
outputs have 7,175. All other layers have the published counts, so the network has 824,679 parameters here instead of
889,159. The source names no places for the pools and dropouts; with no padding, a pool after each pair of convolutions
is what leaves the 512 values that its dense layer has kernels for.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers
from pydantic import Field

from train.networks.config import NetworkSettings


class CnnTwoBlockConfig(NetworkSettings):
    """Widths of the network."""

    kind: Literal["cnn_two_block"] = "cnn_two_block"

    widths: tuple[int, ...] = (32, 64, 128)
    """Channels of each pair of 3x3 convolutions; 2x2 pooling follows each pair."""

    dense: int = Field(default=1024, gt=0)
    """Units of the dense layer."""

    activation: str = "relu"

    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Dropout after each pool and after the dense layer."""


def cnn_two_block(config: CnnTwoBlockConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 48, 48, 1)`` gray levels 0..255 to ``(N, classes)`` float32 logits.
    """
    pixels = keras.Input((config.size, config.size, 1), name="pixels")
    x = layers.Rescaling(1 / 255, name="rescale")(pixels)
    for stage, width in enumerate(config.widths, start=1):
        for conv in (1, 2):
            x = layers.Conv2D(width, 3, activation=config.activation, name=f"stage{stage}_conv{conv}")(x)
            if (stage, conv) != (1, 1):  # the one convolution that is not normalised
                x = layers.BatchNormalization(name=f"stage{stage}_norm{conv}")(x)
        x = layers.MaxPooling2D(name=f"stage{stage}_pool")(x)
        x = layers.Dropout(config.dropout, name=f"stage{stage}_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(config.dense, activation=config.activation, name="dense")(x)
    x = layers.BatchNormalization(name="dense_norm")(x)
    x = layers.Dropout(config.dropout, name="dense_dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="cnn_two_block")
