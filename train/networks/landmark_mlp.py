"""Two dense layers on the landmarks of a face mesh, as a source describes them: Dense 512-256.

What else the source has (normalisation, dropout, activation) is not known here.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers
from pydantic import Field

from train.networks.landmarks import LandmarkSettings, centred, landmark_input, standardised


class LandmarkMlpConfig(LandmarkSettings):
    """Widths of the network."""

    kind: Literal["landmark_mlp"] = "landmark_mlp"

    widths: tuple[int, ...] = (512, 256)
    """Units of each dense layer."""

    noise: float = Field(default=0.1, ge=0)
    """Standard deviation of the noise on each coordinate in training, in its own over the training faces."""

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Dropout after each dense layer."""


def landmark_mlp(config: LandmarkMlpConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 478, 3, 1)`` landmarks to ``(N, classes)`` float32 logits.
    """
    mesh = landmark_input()
    x = layers.Flatten(dtype="float32", name="flatten")(standardised(centred(mesh), config.noise))
    for number, width in enumerate(config.widths, start=1):
        # The coordinates need more digits than half precision has; what is made of them does not.
        x = layers.Dense(width, dtype="float32" if number == 1 else None, name=f"dense{number}")(x)
        x = layers.BatchNormalization(name=f"norm{number}")(x)
        x = layers.Activation("relu", name=f"relu{number}")(x)
        x = layers.Dropout(config.dropout, name=f"dropout{number}")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(mesh, logits, name="landmark_mlp")
