"""A small transformer encoder over a track's frames: each frame's embedding by a frozen CNN, then attention.

Vaswani et al., "Attention Is All You Need", NeurIPS 2017. A source proposes it and publishes no figure. It answers
after each frame and attends to that and the earlier ones alone.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers, ops
from pydantic import Field

from train.networks.config import NetworkSettings
from train.networks.transformer import attend, think


class CnnTransformerConfig(NetworkSettings):
    """Widths and depth of the network."""

    kind: Literal["cnn_transformer"] = "cnn_transformer"

    embedding: int = Field(default=160, gt=0)
    """Values that the frozen network has of a frame."""

    width: int = Field(default=64, gt=0)
    """Values of each frame within it."""

    attention_heads: int = Field(default=4, gt=0)
    encoder: int = Field(default=2, gt=0)
    """Layers."""

    most_frames: int = Field(default=64, gt=0)
    """Places that are learned: the longest track."""

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Dropout of the embeddings, and of what each layer adds."""


def cnn_transformer(config: CnnTransformerConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, T, embedding)`` to ``(N, T, classes)`` float32 logits, for up to `most_frames` frames ``T``.
    """
    embeddings = keras.Input((None, config.embedding), name="embeddings")
    x = layers.LayerNormalization(name="norm")(embeddings)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.Dense(config.width, name="narrow")(x)
    places = ops.cast(ops.cumsum(ops.ones_like(x[:, :, 0]), axis=1), "int32") - 1
    x = layers.Add(name="placed")([x, layers.Embedding(config.most_frames, config.width, name="places")(places)])
    for number in range(1, config.encoder + 1):
        x = attend(x, None, config, f"encoder{number}", causal=True)
        x = think(x, config, f"encoder{number}")
    x = layers.LayerNormalization(name="encoded")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(embeddings, logits, name="cnn_transformer")
