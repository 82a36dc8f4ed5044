"""A residual network for 224x224 pictures, with one map of spatial attention before its classifier.

As a source describes it: stem 7x7/64/2, max pool, four stages of two residual blocks (64-128-256-512), a 1x1
convolution with a sigmoid that weighs the places of the last map, dropout 0.5. The body is ResNet-18 (He et al., "Deep
Residual Learning for Image Recognition", CVPR 2016), and has its 11,176,512 trainable parameters.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import keras
from keras import layers
from pydantic import Field

from train.networks.config import NetworkSettings


class ResNetAttentionConfig(NetworkSettings):
    """Widths and depths of the network."""

    size: ClassVar[int] = 224

    kind: Literal["resnet_attention"] = "resnet_attention"

    widths: tuple[int, ...] = Field(default=(64, 128, 256, 512), min_length=1)
    """Channels of each stage; all but the first halve width and height."""

    blocks: int = Field(default=2, gt=0)
    """Residual blocks of each stage."""

    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Dropout before the classifier."""


def resnet_attention(config: ResNetAttentionConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 224, 224, 1)`` gray levels 0..255 to ``(N, classes)`` float32 logits; it makes three equal
        channels of the one.
    """
    pixels = keras.Input((config.size, config.size, 1), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)
    x = layers.Concatenate(name="rgb")([x, x, x])
    x = _convolve(x, config.widths[0], 7, stride=2, name="stem")
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)
    for stage, width in enumerate(config.widths, start=1):
        for block in range(1, config.blocks + 1):
            stride = 2 if block == 1 and stage > 1 else 1
            x = _residual(x, width, stride, name=f"stage{stage}_block{block}")
    weights = layers.Conv2D(1, 1, activation="sigmoid", name="attention")(x)
    x = layers.Multiply(name="attended")([x, weights])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="resnet_attention")


def _residual(x: Any, width: int, stride: int, name: str) -> Any:
    shortcut = x
    if stride > 1 or x.shape[-1] != width:
        shortcut = layers.Conv2D(width, 1, strides=stride, use_bias=False, name=f"{name}_shortcut")(x)
        shortcut = layers.BatchNormalization(name=f"{name}_shortcut_norm")(shortcut)
    x = _convolve(x, width, 3, stride=stride, name=f"{name}_conv1")
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_conv2")(x)
    x = layers.BatchNormalization(name=f"{name}_conv2_norm")(x)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _convolve(x: Any, width: int, kernel: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
