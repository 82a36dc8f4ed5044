"""Widen the ranges that are narrower than one step of the sums that they hold.

An integer kernel multiplies its sums by the ratio of two scales: that of the sums to that of its output. XNNPACK loads
no network with a ratio of 256 or more. A ratio is that large where an activation is 0 for every face, as after a ReLU
whose inputs are all negative: its range is empty. One step of the sums is then wider than the whole range, so a wider
range loses nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from convert.graph import Op
from convert.inspection import WEIGHTED
from convert.quantize.ranges import FREE, LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convert.graph import Graph, Operator, Tensor
    from convert.quantize.ranges import Range

_LARGEST = 128.0
"""Half of what XNNPACK refuses, as scales are rounded."""


def widen(quantised: Graph, chosen: Mapping[str, Range]) -> dict[str, Range]:
    """Return ranges of which none is too narrow for an integer kernel.

    Args:
        quantised: The network with the chosen ranges.
        chosen: The range of each activation, by its tensor's name.

    Returns:
        The same ranges, where none is too narrow.
    """
    found = dict(chosen)
    scales = {tensor.name: scale for tensor in quantised.tensors if (scale := _scale(tensor))}
    for operator in quantised.operators:
        name, given = operator.output.name, operator.inputs[0]
        if name not in chosen or name not in scales or given is None or given.name not in scales:
            continue
        if operator.code not in FREE:  # it keeps its input's range, or has a fixed one, whatever is asked for
            if found.get(given.name) != chosen.get(given.name):
                found[name], scales[name] = found[given.name], scales[given.name]
            continue
        step = _step(operator, scales)
        if step >= _LARGEST * scales[name]:
            low, high = chosen[name]
            part = step * LEVELS / (high - low) if high > low else 0.0
            found[name] = (low * part, high * part) if part else (0.0, step * LEVELS)
            scales[name] = step
    return found


def _step(operator: Operator, scales: Mapping[str, float]) -> float:
    """Return one step of what an operator adds up, before it is scaled to its output."""
    steps = [scales[tensor.name] for tensor in operator.read if tensor.name in scales]
    return math.prod(steps[:2]) if operator.code in WEIGHTED | {Op.MUL} else max(steps)


def _scale(tensor: Tensor) -> float | None:
    """Return the scale of an int8 tensor; of weights the largest of their channels."""
    quantisation = tensor.record.quantization
    if quantisation is None or quantisation.scale is None or not len(quantisation.scale):
        return None
    return float(max(quantisation.scale))
