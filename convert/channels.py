"""What operators do to the channels of an activation: which keep a factor of each, and whose weights can take one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convert.graph import FusedActivation, Op

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convert.graph import Graph, Operator

KEEPING = frozenset({FusedActivation.NONE, FusedActivation.RELU})
"""Activation functions within an operator that keep a positive factor too."""

_BETWEEN = frozenset({Op.RELU, Op.PRELU, Op.LEAKY_RELU, Op.MAX_POOL_2D, Op.AVERAGE_POOL_2D, Op.MEAN, Op.PAD})
"""Operators that keep a positive factor of a channel."""


def keeps_factors(operator: Operator) -> bool:
    """Return whether an operator writes the channels that it reads, each times the positive factor that it had."""
    if operator.code not in _BETWEEN or operator.fused_activation not in KEEPING:
        return False
    if operator.code == Op.MEAN:
        taken, axes = operator.read
        rank, over = len(taken.shape), axes.values
        if over is None or (over % rank == rank - 1).any():
            return False
    if operator.code == Op.PAD:
        amounts = operator.read[1].values
        if amounts is None or amounts.reshape(-1, 2)[-1].any():  # then it writes more channels
            return False
    return len(operator.output.shape) in {2, 4}


def multiply(graph: Graph, maker: Operator, factors: NDArray[np.float32]) -> bool:
    """Let a weighted operator write ``(C,)`` times what it does; return whether it can: its weights are constants."""
    constants = [tensor.values for tensor in maker.read[1:]]
    if any(values is None for values in constants):
        return False
    for place, values in enumerate(map(np.asarray, constants), 1):
        # Channels are last in biases and depthwise kernels, and first in dense ones.
        last = values.ndim == 1 or maker.code == Op.DEPTHWISE_CONV_2D
        shaped = factors if last else factors.reshape(-1, *[1] * (values.ndim - 1))
        graph.set_input(maker, place, (values * shaped).astype(np.float32))
    return True


def add_bias(graph: Graph, operator: Operator, more: NDArray[np.floating[Any]]) -> None:
    """Add ``(C,)`` numbers to what a weighted operator writes, whether it has biases or not."""
    taken, weights, *rest = operator.read
    bias = rest[0].values if rest else None
    whole = graph.add_constant("bias", (more if bias is None else bias + more).astype(np.float32))
    operator.inputs = [taken, weights, whole]
