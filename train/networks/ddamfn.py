"""DDAMFN: a mixed-feature network under dual-direction attention.

Zhang et al., "A Dual-Direction Attention Mixed Feature Network for Facial Expression Recognition", Electronics 12(17),
2023. The body is a MobileFaceNet whose depthwise convolutions have several kernel sizes at once (MixConv) and whose
bottlenecks weigh their channels by where they are (coordinate attention; Hou et al., CVPR 2021). Heads of attention
weigh its 7x7 map in both directions; at each place the strongest head counts. Channels and blocks are those of the
authors' published code; here the input is gray.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import keras
from keras import layers
from pydantic import Field

from train.networks.config import NetworkSettings

Mix = dict[int, int]
"""The channels of each kernel size."""

_REDUCTION = 32
_LEAST_REDUCED = 8
"""Channels of an attention's bottleneck: one of so many, at least so many."""

MAP = "attention_map{}"
"""The name of each head's map, numbered from 1, by which the attention loss finds them."""


_Blocks = Annotated[int, Field(ge=0)]


class DdamfnConfig(NetworkSettings):
    """Heads and depths of the network."""

    size: ClassVar[int] = 112
    depthwise: ClassVar[bool] = True

    kind: Literal["ddamfn"] = "ddamfn"

    blocks: tuple[_Blocks, _Blocks, _Blocks] = (9, 16, 6)
    """Residual bottlenecks at 28x28, 14x14 and 7x7 places."""

    heads: int = Field(default=2, ge=1)
    """Heads of attention."""


def ddamfn(config: DdamfnConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 112, 112, 1)`` gray levels 0..255 to ``(N, classes)`` float32 logits.
    """
    pixels = keras.Input((config.size, config.size, 1), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(pixels)
    x = _activated(_norm(layers.Conv2D(64, 3, 2, padding="same", use_bias=False, name="stem")(x)))
    x = _activated(_norm(layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="stem_depthwise")(x)))
    x = _bottleneck(x, 64, {3: 64, 5: 32, 7: 32}, name="down1", stride=2)
    x = _stage(x, config.blocks[0], {3: 96, 5: 32}, name="stage1")
    x = _bottleneck(x, 128, {3: 128, 5: 64, 7: 64}, name="down2", stride=2)
    x = _stage(x, config.blocks[1], {3: 192, 5: 64}, name="stage2")
    x = _bottleneck(x, 256, {3: 256, 5: 256, 7: 256, 9: 256}, name="down3", stride=2)
    x = _stage(x, config.blocks[2], {3: 172, 5: 170, 7: 170}, name="stage3")
    x = _activated(_norm(layers.Conv2D(512, 1, use_bias=False, name="features")(x)))
    maps = [_attend(x, head) for head in range(1, config.heads + 1)]
    strongest = layers.Maximum(name="strongest")(maps) if len(maps) > 1 else maps[0]
    x = layers.Multiply(name="attended")([x, strongest])
    x = _norm(layers.DepthwiseConv2D(x.shape[1:3], use_bias=False, name="embed")(x))
    logits = layers.Dense(classes, dtype="float32", name="logits")(layers.Flatten(name="embedding")(x))
    return keras.Model(pixels, logits, name="ddamfn")


def _stage(x: Any, blocks: int, mix: Mix, name: str) -> Any:
    for block in range(1, blocks + 1):
        changed = _bottleneck(x, x.shape[-1], mix, name=f"{name}_block{block}")
        x = layers.Add(name=f"{name}_block{block}_add")([x, changed])
    return x


def _bottleneck(x: Any, width: int, mix: Mix, name: str, stride: int = 1) -> Any:
    """Widen, convolve each part of the channels with a kernel of its own, weigh by place, and narrow."""
    parts = []
    for kernel, channels in mix.items():
        part = _activated(_norm(layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_widen{kernel}")(x)))
        convolve = layers.DepthwiseConv2D(
            kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise{kernel}"
        )
        parts.append(convolve(part))
    x = layers.Concatenate(name=f"{name}_mix")(parts)
    height, width_ = x.shape[1:3]
    rows = layers.AveragePooling2D((1, width_), name=f"{name}_rows")(x)
    columns = layers.AveragePooling2D((height, 1), name=f"{name}_columns")(x)
    x = layers.Multiply(name=f"{name}_placed")([x, *_gates(rows, columns, name)])
    return _norm(layers.Conv2D(width, 1, use_bias=False, name=f"{name}_narrow")(x))


def _attend(x: Any, head: int) -> Any:
    """Return one head's map: how much each channel counts at each place, from what its row and its column show."""
    height, width = x.shape[1:3]
    rows = _norm(layers.DepthwiseConv2D((1, width), use_bias=False, name=f"head{head}_rows")(x))
    columns = _norm(layers.DepthwiseConv2D((height, 1), use_bias=False, name=f"head{head}_columns")(x))
    return layers.Multiply(name=MAP.format(head))(_gates(rows, columns, f"head{head}"))


def _gates(rows: Any, columns: Any, name: str) -> list[Any]:
    """Return the weights of rows, ``(N, H, 1, C)``, and of columns, ``(N, 1, W, C)``, from one common bottleneck."""
    height, channels = rows.shape[1], rows.shape[-1]
    columns = layers.Permute((2, 1, 3), name=f"{name}_turn")(columns)
    width = columns.shape[1]
    both = layers.Concatenate(axis=1, name=f"{name}_both")([rows, columns])
    both = layers.Conv2D(max(_LEAST_REDUCED, channels // _REDUCTION), 1, name=f"{name}_reduce")(both)
    both = layers.Activation("hard_swish", name=f"{name}_reduce_act")(_norm(both))
    rows = layers.Cropping2D(((0, width), (0, 0)), name=f"{name}_take_rows")(both)
    columns = layers.Cropping2D(((height, 0), (0, 0)), name=f"{name}_take_columns")(both)
    columns = layers.Permute((2, 1, 3), name=f"{name}_turn_back")(columns)
    return [
        layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_weigh_rows")(rows),
        layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_weigh_columns")(columns),
    ]


def _norm(x: Any) -> Any:
    # PyTorch's default, as the authors' code is for PyTorch. With Keras' own, 0.99, the statistics lag behind the
    # weights: after two epochs 35 % of 900 validation faces, with statistics estimated anew 64 %.
    return layers.BatchNormalization(momentum=0.9, name=f"{_name(x)}_norm")(x)


def _activated(x: Any) -> Any:
    slope = keras.initializers.Constant(0.25)
    return layers.PReLU(slope, shared_axes=[1, 2], name=f"{_name(x)}_act")(x)


def _name(x: Any) -> str:
    """Return the name of the layer that made a tensor."""
    return str(x._keras_history.operation.name)  # noqa: SLF001  # Keras has no other way to ask
