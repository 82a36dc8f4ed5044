"""Make the channels of an activation equally large, by weights that undo each other.

One scale serves all channels of an activation, so one large channel leaves few levels to
the small ones. Between two convolutions a channel may be divided by any positive number
where it is made and multiplied by it where it is read, as long as what lies between keeps
factors: ReLU, PReLU, pooling, padding with zeros. Nagel et al., "Data-Free Quantization
Through Weight Equalization and Bias Correction", ICCV 2019, and Meller et al., "Same, Same
But Different", ICML 2019; with the activations' sizes in place of the first weights', as in
Xiao et al., "SmoothQuant", ICML 2023, because weights have a scale for each output channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convert.graph import Activation as Fused
from convert.graph import Graph, Op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from convert.quantize.activations import Activation

_MAKERS = frozenset({Op.CONV_2D, Op.DEPTHWISE_CONV_2D})
_READERS = frozenset({Op.CONV_2D, Op.DEPTHWISE_CONV_2D, Op.FULLY_CONNECTED})
_KEEPING = frozenset({Fused.NONE, Fused.RELU})
"""Activations within an operator that keep a positive factor too."""

_BETWEEN = frozenset({Op.RELU, Op.PRELU, Op.LEAKY_RELU, Op.MAX_POOL_2D, Op.AVERAGE_POOL_2D, Op.MEAN, Op.PAD})
"""Operators that keep a positive factor of a channel."""


def equalize(content: bytes, seen: Mapping[str, Activation]) -> tuple[bytes, int]:
    """Equalise every activation that lies between operators whose weights can take the factors.

    Args:
        content: A float ``.tflite`` file.
        seen: What its tensors held, by name.

    Returns:
        The changed file, which computes the same, and how many activations were equalised.
    """
    graph, count = Graph(content), 0
    for maker in list(graph.operators):
        if graph.code(maker) in _MAKERS and maker.builtinOptions.fusedActivationFunction in _KEEPING:
            readers = _readers(graph, graph.written(maker)[0])
            peaks = _peaks(graph, maker, seen)
            factors = None if peaks is None or not readers else _factors(graph, peaks, readers)
            if factors is not None and _divide(graph, maker, readers, factors):
                count += 1
    return graph.to_bytes(), count


def _readers(graph: Graph, tensor: int) -> list[Any]:
    """Give the weighted operators behind a tensor; none if anything else reads it."""
    found: list[Any] = []
    for operator in graph.consumers(tensor):
        code = graph.code(operator)
        if (
            code in _READERS
            and graph.read(operator)[0] == tensor
            and graph.constant(graph.read(operator)[1]) is not None
        ):
            found.append(operator)
        elif code in _BETWEEN and _keeps_factors(graph, operator):
            behind = _readers(graph, graph.written(operator)[0])
            if not behind:
                return []
            found += behind
        else:
            return []
    return [] if tensor in graph.outputs else found


def _keeps_factors(graph: Graph, operator: Any) -> bool:
    """Tell whether what an operator writes has the channels of what it reads, last as there, and no limit."""
    if getattr(operator.builtinOptions, "fusedActivationFunction", Fused.NONE) not in _KEEPING:
        return False
    if graph.code(operator) == Op.MEAN:
        taken, axes = graph.read(operator)
        rank = len(graph.shape(taken))
        over = graph.constant(axes)
        if over is None or (over % rank == rank - 1).any():
            return False
    return len(graph.shape(graph.written(operator)[0])) in {2, 4}


def _peaks(graph: Graph, maker: Any, seen: Mapping[str, Activation]) -> NDArray[np.float32] | None:
    """Give the largest magnitude in each channel of what an operator writes, after its activation."""
    tensor = graph.written(maker)[0]
    behind = graph.sole_consumer(tensor)
    if behind is not None and graph.code(behind) in {Op.RELU, Op.PRELU, Op.LEAKY_RELU}:
        tensor = graph.written(behind)[0]
    found = seen.get(graph.name(tensor))
    return None if found is None else found.channel_peaks


def _factors(graph: Graph, peaks: NDArray[np.float32], readers: list[Any]) -> NDArray[np.float32] | None:
    """Give what each channel is divided by: the root of its activation's size over its readers' weights.

    Then both are equally far from the middle. Where only one is extreme, it is halved in
    the exponent; where the one undoes the other, both become even.
    """
    weights = np.zeros_like(peaks)
    for reader in readers:
        kernel = graph.constant(graph.read(reader)[1])
        if kernel is None or kernel.shape[-1] != len(peaks):
            return None
        np.maximum(weights, np.abs(kernel).reshape(-1, len(peaks)).max(axis=0), out=weights)
    alive = (peaks > 0) & (weights > 0)
    factors = np.ones_like(peaks)
    if alive.any():
        roots = np.sqrt(peaks[alive] / weights[alive])
        factors[alive] = roots / np.median(roots)
    return factors


def _divide(graph: Graph, maker: Any, readers: list[Any], factors: NDArray[np.float32]) -> bool:
    changes: list[tuple[Any, int, NDArray[Any]]] = []
    for place, tensor in enumerate(graph.read(maker)[1:], 1):
        values = graph.constant(tensor)
        if values is None:
            return False
        # Channels are last in biases and depthwise kernels, and first in dense ones.
        last = values.ndim == 1 or graph.code(maker) == Op.DEPTHWISE_CONV_2D
        changes.append((maker, place, values / (factors if last else factors.reshape(-1, *[1] * (values.ndim - 1)))))
    for reader in readers:
        values = graph.constant(graph.read(reader)[1])
        if values is None:
            return False
        changes.append((reader, 1, values * factors))
    for operator, place, values in changes:
        graph.give(operator, place, values.astype(np.float32))
    return True
