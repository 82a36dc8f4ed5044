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

from typing import TYPE_CHECKING

import numpy as np

from convert.channels import KEEPING, keeps_factors, multiply
from convert.graph import Op
from convert.inspection import WEIGHTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from convert.graph import Graph, Operator, Tensor
    from convert.quantize.activations import Activation


def equalize(network: Graph, seen: Mapping[str, Activation]) -> tuple[Graph, int]:
    """Equalise every activation that lies between operators whose weights can take the factors.

    Args:
        network: A float network, which stays as it is.
        seen: What its tensors held, by name.

    Returns:
        The changed network, which computes the same, and how many activations were equalised.
    """
    graph, count = network.copy(), 0
    for maker in graph.operators:
        if maker.code in WEIGHTED and maker.fused_activation in KEEPING:
            readers = _readers(graph, maker.output)
            peaks = _peaks(graph, maker, seen)
            factors = None if peaks is None or not readers else _factors(peaks, readers)
            if factors is not None and multiply(graph, maker, 1 / factors):
                for reader in readers:
                    graph.set_input(reader, 1, (np.asarray(reader.read[1].values) * factors).astype(np.float32))
                count += 1
    return graph, count


def _readers(graph: Graph, tensor: Tensor) -> list[Operator]:
    """Return the weighted operators behind a tensor, whose weights are constants; none if anything else reads it."""
    found: list[Operator] = []
    for operator in graph.consumers(tensor):
        if operator.code in WEIGHTED and operator.read[0] is tensor and operator.read[1].values is not None:
            found.append(operator)
        elif keeps_factors(operator):
            behind = _readers(graph, operator.output)
            if not behind:
                return []
            found += behind
        else:
            return []
    return [] if tensor in graph.outputs else found


def _peaks(graph: Graph, maker: Operator, seen: Mapping[str, Activation]) -> NDArray[np.float32] | None:
    """Return the largest magnitude in each channel of what an operator writes.

    An activation function of its own has two int8 tensors, before and behind it, and each
    has one scale: the larger magnitude of both counts. PReLU makes a channel that is below
    0 for every face many times smaller; made as large as the others behind it, it would
    leave the others few levels before it.
    """
    behind = graph.sole_consumer(maker.output)
    tensors = [maker.output]
    if behind is not None and behind.code in {Op.RELU, Op.PRELU, Op.LEAKY_RELU}:
        tensors.append(behind.output)
    found = [seen[tensor.name].channel_peaks for tensor in tensors if tensor.name in seen]
    return np.max(found, axis=0) if len(found) == len(tensors) else None


def _factors(peaks: NDArray[np.float32], readers: list[Operator]) -> NDArray[np.float32] | None:
    """Return what each channel is divided by: the root of its activation's size over its readers' weights.

    Then both are equally far from the middle. Where only one is extreme, it is halved in
    the exponent; where the one undoes the other, both become even. The weights that read a
    channel that is 0 for every face, as of a unit that died in training, become no larger
    than the others.
    """
    weights = np.zeros_like(peaks)
    for reader in readers:
        kernel = reader.read[1].values
        if kernel is None or kernel.shape[-1] != len(peaks):
            return None
        np.maximum(weights, np.abs(kernel).reshape(-1, len(peaks)).max(axis=0), out=weights)
    alive = (peaks > 0) & (weights > 0)
    factors = np.ones_like(peaks)
    if alive.any():
        roots = np.sqrt(peaks[alive] / weights[alive])
        factors[alive] = roots / np.median(roots)
        silent = (peaks == 0) & (weights > 0)
        factors[silent] = np.minimum(1, np.median(weights[alive] * factors[alive]) / weights[silent])
    return factors
