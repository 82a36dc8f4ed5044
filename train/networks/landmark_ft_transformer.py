"""FT-Transformer on the landmarks of a face mesh: each landmark is a token, and one more token gathers the answer.

Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021. A source describes 4 layers of 8
heads and about a million parameters on 478 landmarks. It does not say the width; 168 gives 1.02 million here. The
tokens are the 160 landmarks at the mesh's anatomical edges: the arithmetic of all 478 is about four times as much, and
the others lie on cheeks and forehead; `anatomical = false` takes them all.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import layers, ops
from pydantic import Field, model_validator

from train.networks.landmarks import ANATOMICAL, LandmarkSettings, centred, landmark_input, standardised


class LandmarkFtTransformerConfig(LandmarkSettings):
    """Widths and depth of the network."""

    kind: Literal["landmark_ft_transformer"] = "landmark_ft_transformer"

    anatomical: bool = True
    """Whether the tokens are the 160 landmarks at the anatomical edges; all 478 otherwise."""

    depth: int = Field(default=4, gt=0)
    """Layers."""

    attention_heads: int = Field(default=8, gt=0)
    width: int = Field(default=168, gt=0)
    """Values of each token; a multiple of `attention_heads`."""

    hidden: int = Field(default=224, gt=0)
    """Units of the gated layer; the paper's are four thirds of the width."""

    noise: float = Field(default=0.1, ge=0)
    """Standard deviation of the noise on each coordinate in training, in its own over the training faces."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout of the gated layer. On attention, whose maps are the largest tensors, it took a fifth of the time."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> LandmarkFtTransformerConfig:
        if self.width % self.attention_heads:
            message = f"width: {self.width} must be a multiple of attention_heads, {self.attention_heads}"
            raise ValueError(message)
        return self


def landmark_ft_transformer(config: LandmarkFtTransformerConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 478, 3, 1)`` landmarks to ``(N, classes)`` float32 logits.
    """
    mesh = landmark_input()
    x = standardised(centred(mesh, ANATOMICAL if config.anatomical else None), config.noise)
    count = x.shape[1]
    # Each landmark has a kernel and a bias of its own; the coordinates need more digits than half precision has.
    x = layers.EinsumDense(
        "npc,pcw->npw", (count, config.width), bias_axes="pw", dtype="float32", name="tokens"
    )(x)  # fmt: skip
    x = layers.Concatenate(axis=1, name="with_answer")([_answer_token(x, config.width), x])
    for number in range(1, config.depth + 1):
        y = layers.LayerNormalization(name=f"layer{number}_norm1")(x) if number > 1 else x  # the paper's first has none
        attention = layers.MultiHeadAttention(
            config.attention_heads, config.width // config.attention_heads, name=f"layer{number}_attention"
        )
        asked = y
        if number == config.depth:  # of the last layer the answer's token alone is read, so that it alone is computed
            x, asked = x[:, :1], y[:, :1]
        x = layers.Add(name=f"layer{number}_attended")([x, attention(asked, y)])
        y = layers.LayerNormalization(name=f"layer{number}_norm2")(x)
        y = layers.Dense(config.hidden, name=f"layer{number}_value")(y) * layers.Dense(
            config.hidden, activation="relu", name=f"layer{number}_gate"
        )(y)
        y = layers.Dropout(config.dropout, name=f"layer{number}_dropout")(y)
        x = layers.Add(name=f"layer{number}_out")([x, layers.Dense(config.width, name=f"layer{number}_dense")(y)])
    x = layers.LayerNormalization(name="answer_norm")(x[:, 0])
    logits = layers.Dense(classes, dtype="float32", name="logits")(layers.Activation("relu", name="answer_relu")(x))
    return keras.Model(mesh, logits, name="landmark_ft_transformer")


def _answer_token(like: Any, width: int) -> Any:
    """Return ``(N, 1, width)`` learned values, the same for every face of ``(N, P, C)``."""
    first = ops.cast(ops.zeros_like(like[:, :1, 0]), "int32")
    return layers.Embedding(1, width, dtype="float32", name="answer")(first)
