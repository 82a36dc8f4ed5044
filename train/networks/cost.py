"""What a network costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

from train.networks.landmark_gnn import GraphConvolution

if TYPE_CHECKING:
    from collections.abc import Iterator


def count_macs(model: keras.Model) -> int:
    """Return the multiply-accumulates of one forward pass of one picture, in convolutions, dense layers and attention.

    Graph convolutions have those of the means over neighbours too. Of a network over frames they are those of a frame,
    without what attention does with the frames before. This counts a network before it is a file. `convert.inspection`
    counts the operators of the file; a test of the conversion requires both counts to be equal.
    """
    return sum(_layer_macs(layer) for layer in _leaves(model))


def _leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    if isinstance(layer, keras.Model):
        for part in layer.layers:
            yield from _leaves(part)
    elif isinstance(layer, keras.layers.TimeDistributed):
        yield from _leaves(layer.layer)
    else:
        yield layer


def _layer_macs(layer: keras.layers.Layer) -> int:
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        _, height, width, _ = layer.output.shape
        return int(height * width * math.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Dense):
        places = _places(layer.output)
        means = places * places * layer.input.shape[-1] if isinstance(layer, GraphConvolution) else 0
        return int(places * math.prod(layer.kernel.shape) + means)
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return _attention_macs(layer)
    if isinstance(layer, keras.layers.GRU):
        return int(sum(math.prod(kernel.shape) for kernel in (layer.cell.kernel, layer.cell.recurrent_kernel)))
    if isinstance(layer, keras.layers.EinsumDense):  # ours has a kernel of its own for each place
        return math.prod(layer.kernel.shape)
    return 0


def _attention_macs(layer: keras.layers.MultiHeadAttention) -> int:
    """Return those of the four projections and, where their number is fixed, of every token with every other."""
    query, value, *_ = layer.input
    asked, seen = _places(query), _places(value)
    of_asked = sum(math.prod(part.kernel.shape) for part in (layer.query_dense, layer.output_dense))
    of_seen = sum(math.prod(part.kernel.shape) for part in (layer.key_dense, layer.value_dense))
    width = layer.num_heads * (layer.key_dim + layer.value_dim)
    pairs = asked * seen if None not in query.shape[1:] else 0
    return int(asked * of_asked + seen * of_seen + pairs * width)


def _places(values: Any) -> int:
    """Return how many tokens, or frames, one picture has; a free number counts as one."""
    return math.prod(size or 1 for size in values.shape[1:-1])
