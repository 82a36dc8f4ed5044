"""Take the mean error of the answers back out of a quantised network.

What rounding and clipping do to the layers does not cancel out: on average some logits
come out too high and others too low, and one emotion takes faces from another. The mean
is subtracted from the last layer's biases. Nagel et al., "Data-Free Quantization Through
Weight Equalization and Bias Correction", ICCV 2019, with faces in place of their
assumptions, and at the answer alone: inside the network the mean error of a clipped
activation is one-sided, and to centre it made the answers worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convert.graph import Activation, Graph
from convert.inspection import WEIGHTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BIAS = 2
"""Number of the input that holds a weighted operator's biases."""


def correct_bias(quantised: bytes, error: NDArray[np.float32]) -> bytes:
    """Lower the last layer's biases.

    Args:
        quantised: A ``.tflite`` file of full-integer int8.
        error: ``(C,)``; how much too high each logit is.

    Returns:
        The file with other biases; as it was where what writes the logits has none, or bends them afterwards.
    """
    graph = Graph(quantised)
    last = graph.producer(graph.outputs[0])
    if last is None or graph.code(last) not in WEIGHTED or len(graph.read(last)) <= _BIAS:
        return quantised
    bias = graph.constant(graph.read(last)[_BIAS])
    if bias is None or last.builtinOptions.fusedActivationFunction != Activation.NONE:
        return quantised
    # A bias counts in steps of the input's scale times the weights' own.
    steps = np.round(error / (_scale(graph, last, 0) * _scale(graph, last, 1)))
    graph.give(last, _BIAS, (bias - steps).astype(bias.dtype))
    return graph.to_bytes()


def _scale(graph: Graph, operator: Any, place: int) -> NDArray[np.float32]:
    return np.asarray(graph.tensors[graph.read(operator)[place]].quantization.scale, np.float32)
