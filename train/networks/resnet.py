"""A residual network of dense 3x3 convolutions, sized for 48x48 faces.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. Dense 3x3
convolutions and ReLU because int8 kernels run them near an Arm core's peak, and
because they quantise well; depthwise ones do neither.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import keras
from keras import layers
from pydantic import Field, model_validator

from train.networks.config import NetworkSettings

_LEAST_SQUEEZED = 8
"""Channels of the narrowest squeeze-excite bottleneck."""


_Channels = Annotated[int, Field(ge=16)]
"""From fewer channels oneDNN's gradient of a shortcut writes past its memory on processors with AVX-512, where
TensorFlow and PyTorch end with a memory fault: its issue 6035."""


class ResNetConfig(NetworkSettings):
    """Widths and depths of the network."""

    kind: Literal["resnet"] = "resnet"

    stem: _Channels = 16
    """Channels of the first convolution, which runs at full resolution."""

    widths: tuple[_Channels, ...] = (32, 64, 160)
    """Channels of each stage; each halves width and height."""

    blocks: tuple[Annotated[int, Field(gt=0)], ...] = (1, 2, 2)
    """Residual blocks of each stage."""

    squeeze: float = Field(default=0.0, ge=0, le=1)
    """Channels of each block's squeeze-excite bottleneck, as a share of the block's; 0: none.
    Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018."""

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Dropout before the classifier."""

    @model_validator(mode="after")
    def _each_stage_has_blocks(self) -> ResNetConfig:
        if len(self.widths) != len(self.blocks):
            message = f"blocks: write one number for each of the {len(self.widths)} widths, not {len(self.blocks)}"
            raise ValueError(message)
        return self


def resnet(config: ResNetConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 48, 48, 1)`` gray levels 0..255 to ``(N, classes)``
        float32 logits. Normalisation is its first layer, so pixels are its input.
    """
    pixels = keras.Input((config.size, config.size, 1), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)
    x = _convolve(x, config.stem, name="stem")
    for stage, (width, blocks) in enumerate(zip(config.widths, config.blocks, strict=True), start=1):
        for block in range(1, blocks + 1):
            stride = 2 if block == 1 else 1
            x = _residual(x, width, stride=stride, squeeze=config.squeeze, name=f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="resnet")


def _residual(x: Any, width: int, stride: int, squeeze: float, name: str) -> Any:
    shortcut = x
    if stride > 1 or x.shape[-1] != width:
        shortcut = layers.Conv2D(width, 1, strides=stride, use_bias=False, name=f"{name}_shortcut")(x)
        shortcut = layers.BatchNormalization(name=f"{name}_shortcut_norm")(shortcut)
    x = _convolve(x, width, stride=stride, name=f"{name}_conv1")
    x = _convolve(x, width, activation=False, name=f"{name}_conv2")
    if squeeze:
        x = _excite(x, width, max(round(width * squeeze), _LEAST_SQUEEZED), name)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _excite(x: Any, width: int, squeezed: int, name: str) -> Any:
    """Return the channels weighted by what the whole picture shows."""
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    gate = layers.Conv2D(squeezed, 1, activation="relu", name=f"{name}_reduce")(gate)
    gate = layers.Conv2D(width, 1, activation="hard_sigmoid", name=f"{name}_gate")(gate)
    return layers.Multiply(name=f"{name}_excite")([x, gate])


def _convolve(x: Any, width: int, stride: int = 1, *, activation: bool = True, name: str) -> Any:
    x = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if activation else x
