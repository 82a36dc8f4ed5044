"""What a network costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from collections.abc import Iterator


def count_macs(model: keras.Model) -> int:
    """Return the multiply-accumulates of one forward pass of one picture, in convolutions and dense layers.

    This counts a network before it is a file. `convert.inspection` counts the operators of the file; a test of the
    conversion requires both counts to be equal.
    """
    return sum(_layer_macs(layer) for layer in _leaves(model))


def _leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    if isinstance(layer, keras.Model):
        for part in layer.layers:
            yield from _leaves(part)
    else:
        yield layer


def _layer_macs(layer: keras.layers.Layer) -> int:
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        _, height, width, _ = layer.output.shape
        return int(height * width * math.prod(layer.kernel.shape))
    return math.prod(layer.kernel.shape) if isinstance(layer, keras.layers.Dense) else 0
