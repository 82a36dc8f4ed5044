"""Batch normalisation behind an activation function, by other weights of the convolutions around it.

TensorFlow folds it where it follows a convolution directly. Behind an activation function it stays: a product and a
sum with a constant for each channel. In int8 all channels' factors share one scale, so that the large factor of a
channel that hardly varies takes the levels of all others, and each of the two rounds what it writes. ReLU keeps
positive factors, so a factor goes into the weights before it; what is added to a whole channel goes into the biases
behind it. Both are exact but where a convolution sees zeros around the picture: there the sum stays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from convert.channels import KEEPING, add_bias, keeps_factors, multiply
from convert.graph import FusedActivation, Op, Padding
from convert.inspection import WEIGHTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convert.graph import Graph, Operator, Tensor

_POOLS = frozenset({Op.MAX_POOL_2D, Op.AVERAGE_POOL_2D})
"""They give a channel that is the same everywhere as it is, padded or not: padding counts for nothing in them."""


def fold_normalisation(graph: Graph) -> None:
    """Fold every product and sum with a constant for each channel that the weights around it can take."""
    for operator in list(graph.operators):
        if operator.code == Op.MUL:
            _fold_product(graph, operator)
    for operator in list(graph.operators):
        if operator.code == Op.ADD:
            _fold_sum(graph, operator)


def _fold_product(graph: Graph, product: Operator) -> None:
    """Multiply the weights in front by the sizes of the factors; of negative ones the signs stay where they are."""
    found = _with_constant(graph, product)
    if found is None:
        return
    taken, values = found
    maker, factors = _maker(graph, taken), np.broadcast_to(values, taken.shape[-1:])
    if maker is None or not multiply(graph, maker, np.abs(factors)):
        return
    if (factors < 0).any():
        graph.set_input(product, 1 - product.inputs.index(taken), np.copysign(1, factors).astype(np.float32))
    else:
        _remove(graph, product, taken)


def _fold_sum(graph: Graph, added: Operator) -> None:
    """Add what the summands become in the weighted operator behind to its biases."""
    found = _with_constant(graph, added)
    if found is None:
        return
    taken, values = found
    more = np.broadcast_to(values, taken.shape).astype(np.float64)
    reader, read = graph.sole_consumer(added.output), more
    while reader is not None and (passed := _passed_on(reader, read)) is not None:
        reader, read = graph.sole_consumer(reader.output), passed
    if reader is None or (bias := _in_biases(reader, read)) is None:
        return
    add_bias(graph, reader, bias)
    _remove(graph, added, taken)


def _with_constant(graph: Graph, operator: Operator) -> tuple[Tensor, NDArray[np.float32]] | None:
    """Return the activation and the constant for each of its channels that an operator joins, if it does only this."""
    if operator.fused_activation != FusedActivation.NONE or operator.output in graph.outputs:
        return None
    for taken, constant in (operator.read, operator.read[::-1]):
        values, shape = constant.values, taken.shape
        if taken.values is None and values is not None and shape == operator.output.shape and min(shape) > 0:
            is_of_channels = values.size in {1, shape[-1]} and values.size == math.prod(values.shape[-1:])
            return (taken, values.reshape(-1)) if is_of_channels else None
    return None


def _maker(graph: Graph, tensor: Tensor) -> Operator | None:
    """Return the weighted operator that makes an activation's channels, if nothing else reads them on the way."""
    while (maker := graph.producer(tensor)) is not None and graph.sole_consumer(tensor) is not None:
        if maker.code in WEIGHTED:
            return maker if maker.fused_activation in KEEPING else None
        if not keeps_factors(maker):
            return None
        tensor = maker.read[0]
    return None


def _passed_on(operator: Operator, more: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return what an operator writes more when it reads so much more; None if that depends on what else it reads."""
    shape = operator.output.shape
    if operator.fused_activation != FusedActivation.NONE or min(shape, default=0) < 1:
        return None
    if operator.code in _POOLS and _is_even(more):
        return np.broadcast_to(more[:, :1, :1], shape)
    if operator.code == Op.RESHAPE:
        return more.reshape(shape)
    if operator.code == Op.MEAN and (axes := operator.read[1].values) is not None:
        mean: NDArray[np.float64] = more.mean(axis=tuple(axes.reshape(-1).tolist())).reshape(shape)
        return mean
    return None


def _in_biases(reader: Operator, more: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return by how much a weighted operator's sums grow when it reads so much more; None if not evenly."""
    if reader.code not in WEIGHTED or any(tensor.values is None for tensor in reader.read[1:]):
        return None
    kernel = np.asarray(reader.read[1].values, np.float64)
    if reader.code == Op.FULLY_CONNECTED:
        return np.dot(kernel, more.reshape(-1)) if more.size == kernel.shape[1] else None
    if reader.options.padding != Padding.VALID or not _is_even(more):
        return None
    channels = more[0, 0, 0]
    if reader.code == Op.CONV_2D:
        return np.dot(kernel.sum(axis=(1, 2)), channels) if kernel.shape[-1] == len(channels) else None
    sums: NDArray[np.float64] = kernel[0].sum(axis=(0, 1)) * np.repeat(channels, kernel.shape[-1] // len(channels))
    return sums


def _is_even(more: NDArray[np.float64]) -> bool:
    """Return whether it is the same in all places of a channel."""
    return more.ndim == 4 and bool((more == more[:, :1, :1]).all())


def _remove(graph: Graph, operator: Operator, taken: Tensor) -> None:
    graph.replace(operator.output, taken)
    graph.remove(operator)
