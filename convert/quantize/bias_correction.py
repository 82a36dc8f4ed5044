"""Subtract the mean error of the outputs from a quantised network.

What rounding and clipping do to the layers does not cancel out: on average some logits
come out too high and others too low, and one emotion takes faces from another. The mean
is subtracted from the last layer's biases. Nagel et al., "Data-Free Quantization Through
Weight Equalization and Bias Correction", ICCV 2019, with faces in place of their
assumptions, and at the output alone: inside the network the mean error of a clipped
activation is one-sided, and to centre it made the outputs worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convert.graph import FusedActivation
from convert.inspection import WEIGHTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convert.graph import Graph, Tensor

_BIAS = 2
"""Number of the input that holds a weighted operator's biases."""


def correct_bias(quantised: Graph, error: NDArray[np.float32]) -> Graph:
    """Return a network with lower biases in its last layer.

    Args:
        quantised: A full-integer int8 network, which stays as it is.
        error: ``(C,)``; how much too high each logit is.

    Returns:
        The network with other biases; equal to the one given if what writes the logits has none, or an activation
        function follows them.
    """
    graph = quantised.copy()
    last = graph.producer(graph.outputs[0])
    if last is None or last.code not in WEIGHTED or len(last.read) <= _BIAS:
        return graph
    taken, weights, bias = last.read
    if bias.values is None or last.fused_activation != FusedActivation.NONE:
        return graph
    # A bias counts in steps of the input's scale times the weights' own.
    steps = np.round(error / (_scale(taken) * _scale(weights)))
    graph.set_input(last, _BIAS, (bias.values - steps).astype(bias.values.dtype))
    return graph


def _scale(tensor: Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.record.quantization.scale, np.float32)
