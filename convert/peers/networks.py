"""Networks of others, built anew from their published descriptions.

Weights are random: arithmetic and time do not depend on them.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

_EMOTIONS = 7


def mini_xception() -> keras.Model:
    """Build mini-Xception from ``(N, 64, 64, 1)``; the `fer` package runs it too.

    Arriaga, Valdenegro-Toro and Ploeger, "Real-time Convolutional Neural Networks for
    Emotion and Gender Classification", 2017.
    """
    pixels = keras.Input((64, 64, 1))
    x = _normed(layers.Conv2D(8, 3, use_bias=False)(pixels))
    x = _normed(layers.Conv2D(8, 3, use_bias=False)(x))
    for width in (16, 32, 64, 128):
        x = _entry(x, x, width)
    return _everywhere(pixels, x)


def big_xception() -> keras.Model:
    """Build the larger network of the same authors' program, from ``(N, 64, 64, 1)``."""
    pixels = keras.Input((64, 64, 1))
    x = _normed(layers.Conv2D(32, 3, strides=2, use_bias=False)(pixels))
    x = _normed(layers.Conv2D(64, 3, use_bias=False)(x))
    x = _entry(x, x, 128)
    x = _entry(layers.ReLU()(x), x, 256)
    return _everywhere(pixels, x)


def face_expression_net() -> keras.Model:
    """Build face-api.js's network from ``(N, 112, 112, 3)``: four blocks in which each layer sees all before it."""
    pixels = keras.Input((112, 112, 3))
    x: Any = pixels
    for width in (32, 64, 128, 256):
        kind = layers.Conv2D if x is pixels else layers.SeparableConv2D
        x = total = layers.ReLU()(kind(width, 3, strides=2, padding="same")(x))
        for _ in range(3):
            total = layers.Add()([total, layers.SeparableConv2D(width, 3, padding="same")(x)])
            x = layers.ReLU()(total)
    return keras.Model(pixels, layers.Dense(_EMOTIONS)(layers.GlobalAveragePooling2D()(x)))


def mobile_face_net() -> keras.Model:
    """Build MobileFaceNet from ``(N, 112, 112, 3)``.

    Chen, Liu, Gao and Han, "MobileFaceNets: Efficient CNNs for Accurate Real-time Face
    Verification on Mobile Devices", CCBR 2018, table 1.
    """
    pixels = keras.Input((112, 112, 3))
    x = _prelu(layers.Conv2D(64, 3, strides=2, padding="same", use_bias=False)(pixels))
    x = _prelu(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
    for expansion, width, count, stride in (
        (2, 64, 5, 2),
        (4, 128, 1, 2),
        (2, 128, 6, 1),
        (4, 128, 1, 2),
        (2, 128, 2, 1),
    ):
        for number in range(count):
            x = _bottleneck(x, expansion, width, stride if number == 0 else 1)
    x = _prelu(layers.Conv2D(512, 1, use_bias=False)(x))
    x = layers.BatchNormalization()(layers.DepthwiseConv2D(7, use_bias=False)(x))
    x = layers.BatchNormalization()(layers.Conv2D(128, 1, use_bias=False)(x))
    return keras.Model(pixels, layers.Dense(_EMOTIONS)(layers.Flatten()(x)))


def _normed(x: Any) -> Any:
    return layers.ReLU()(layers.BatchNormalization()(x))


def _prelu(x: Any) -> Any:
    return layers.PReLU(shared_axes=(1, 2))(layers.BatchNormalization()(x))


def _entry(x: Any, shortcut: Any, width: int) -> Any:
    """Add Xception's entry module, which halves the picture; it may have another input than the shortcut past it."""
    beside = layers.BatchNormalization()(layers.Conv2D(width, 1, strides=2, padding="same", use_bias=False)(shortcut))
    x = _normed(layers.SeparableConv2D(width, 3, padding="same", use_bias=False)(x))
    x = layers.BatchNormalization()(layers.SeparableConv2D(width, 3, padding="same", use_bias=False)(x))
    return layers.Add()([layers.MaxPooling2D(3, strides=2, padding="same")(x), beside])


def _everywhere(pixels: Any, x: Any) -> keras.Model:
    """End as both Xceptions do: an answer at each place, then their mean."""
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(layers.Conv2D(_EMOTIONS, 3, padding="same")(x)))


def _bottleneck(x: Any, expansion: int, width: int, stride: int) -> Any:
    before, wide = x, expansion * x.shape[-1]
    x = _prelu(layers.Conv2D(wide, 1, use_bias=False)(x))
    x = _prelu(layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x))
    x = layers.BatchNormalization()(layers.Conv2D(width, 1, use_bias=False)(x))
    return layers.Add()([x, before]) if stride == 1 and before.shape[-1] == width else x
