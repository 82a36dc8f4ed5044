"""A recurrent network over a track's frames: each frame's embedding by a frozen CNN, then a GRU.

Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", EMNLP 2014.
A source proposes it and publishes no figure. It answers after each frame and sees no later one.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers
from pydantic import Field

from train.networks.config import NetworkSettings


class CnnGruConfig(NetworkSettings):
    """Widths of the network."""

    kind: Literal["cnn_gru"] = "cnn_gru"

    embedding: int = Field(default=160, gt=0)
    """Values that the frozen network has of a frame."""

    units: int = Field(default=128, gt=0)
    """What it remembers of all frames before."""

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Dropout of the embeddings, and before the classifier."""


def cnn_gru(config: CnnGruConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, T, embedding)`` to ``(N, T, classes)`` float32 logits, for any number of frames ``T``.
    """
    embeddings = keras.Input((None, config.embedding), name="embeddings")
    x = layers.LayerNormalization(name="norm")(embeddings)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.GRU(config.units, return_sequences=True, name="memory")(x)
    x = layers.Dropout(config.dropout, name="memory_dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(embeddings, logits, name="cnn_gru")
