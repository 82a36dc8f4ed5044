"""The control of `cnn_gru` and `cnn_transformer`: trained as they are, but each frame is answered by itself.

Without it, what is gained by learning the synthetic tracks would pass for what is gained by memory.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers
from pydantic import Field

from train.networks.config import NetworkSettings


class CnnNoMemoryConfig(NetworkSettings):
    """Widths of the network."""

    kind: Literal["cnn_no_memory"] = "cnn_no_memory"

    embedding: int = Field(default=160, gt=0)
    """Values that the frozen network has of a frame."""

    units: int = Field(default=256, gt=0)

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Dropout of the embeddings, and before the classifier."""


def cnn_no_memory(config: CnnNoMemoryConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, T, embedding)`` to ``(N, T, classes)`` float32 logits, for any number of frames ``T``.
    """
    embeddings = keras.Input((None, config.embedding), name="embeddings")
    x = layers.LayerNormalization(name="norm")(embeddings)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.Dense(config.units, activation="relu", name="dense")(x)
    x = layers.Dropout(config.dropout, name="dense_dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(embeddings, logits, name="cnn_no_memory")
