"""A transformer that looks for each class by itself: patches, an encoder, and a decoder with one query per class.

Vaswani et al., "Attention Is All You Need", NeurIPS 2017; Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR
2021; Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020, for the learned queries. A source
proposes it and publishes no figure: each class has a place of its own in the latent space, which its query looks for.

Patches are normalised before and after they are embedded (Kumar et al., "Dual PatchNorm", TMLR 2023), and each query's
answer is read by weights of its own (Liu et al., "Query2Label", 2021): by the same weights, all answers are alike at
first but for a constant. Places and queries are drawn as large as the tokens. With Keras' own, of a thirtieth of that,
attention does not tell one patch from another, and the network hardly learns.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import keras
from keras import layers, ops
from pydantic import Field

from train.networks.config import NetworkSettings
from train.networks.transformer import attend, think

_SIZE = 1.0
"""Standard deviation of places and queries at first: that of the normalised tokens."""


class TransformerEncoderDecoderConfig(NetworkSettings):
    """Widths and depths of the network."""

    one_model: ClassVar[bool] = True

    kind: Literal["transformer_encoder_decoder"] = "transformer_encoder_decoder"

    patch: Literal[3, 4, 6, 8, 12] = 6
    """Width and height of a patch, in pixels."""

    width: int = Field(default=128, gt=0)
    """Values of each patch and of each query."""

    attention_heads: int = Field(default=4, gt=0)
    encoder: int = Field(default=4, gt=0)
    """Layers of the encoder."""

    decoder: int = Field(default=2, gt=0)
    """Layers of the decoder."""

    not_detected: bool = False
    """Whether the last output says that it is a face: how strongly the queries of all classes answer together. So
    "not detected" is a face that no query answers to. It is for recipes with a face score."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout of what each layer adds."""


def transformer_encoder_decoder(config: TransformerEncoderDecoderConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 48, 48, 1)`` gray levels 0..255 to ``(N, classes)`` float32 logits, each read from the answer
        to its own query.
    """
    pixels = keras.Input((config.size, config.size, 1), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)
    x = layers.LayerNormalization(name="patches_norm")(_patches(x, config))
    x = layers.LayerNormalization(name="tokens_norm")(layers.Dense(config.width, name="tokens")(x))
    x = layers.Add(name="placed")([x, _learned(x, x.shape[1], config.width, "places")])
    for number in range(1, config.encoder + 1):
        x = attend(x, None, config, f"encoder{number}")
        x = think(x, config, f"encoder{number}")
    seen = layers.LayerNormalization(name="encoded")(x)
    x = _learned(seen, classes - config.not_detected, config.width, "queries")
    for number in range(1, config.decoder + 1):
        x = attend(x, None, config, f"decoder{number}_self")
        x = attend(x, seen, config, f"decoder{number}_look")
        x = think(x, config, f"decoder{number}")
    x = layers.LayerNormalization(name="decoded")(x)
    logits = answers = layers.EinsumDense("nqc,qc->nq", x.shape[1], bias_axes="q", dtype="float32", name="logits")(x)
    if config.not_detected:
        logits = ops.concatenate([answers, ops.logsumexp(answers, axis=1, keepdims=True)], axis=1)
    return keras.Model(pixels, logits, name="transformer_encoder_decoder")


def _patches(pixels: Any, config: TransformerEncoderDecoderConfig) -> Any:
    """Return ``(N, P, patch * patch)`` gray levels of ``(N, H, W, 1)``, in rows from the top left."""
    side, patch = config.size // config.patch, config.patch
    x = layers.Reshape((side, patch, side, patch), name="rows_of_patches")(pixels)
    x = layers.Permute((1, 3, 2, 4), name="squares")(x)
    return layers.Reshape((side * side, patch * patch), name="patches")(x)


def _learned(like: Any, count: int, width: int, name: str) -> Any:
    """Return ``(N, count, width)`` learned values, the same for every picture of ``(N, P, C)``."""
    numbers = ops.cast(ops.zeros_like(like[:, :1, 0]), "int32") + ops.arange(count, dtype="int32")
    drawn = keras.initializers.RandomNormal(stddev=_SIZE)
    return layers.Embedding(count, width, embeddings_initializer=drawn, name=name)(numbers)
