"""Narrow the ranges of the activations whose rounding changes the outputs most.

A range chosen from an activation's own values weighs every error alike. But what follows
does not: the values that make a range wide may hardly matter, while the steps between the
others, which that width makes coarse, do. So the activations are rounded one at a time in
the float network, and the ranges of those with the largest error are narrowed as long as the logits come
closer to what they were. Nahshan et al., "Loss Aware Post-Training Quantization", Machine
Learning 2021, one range after the other, with the logits' error for the loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert import float_runtime
from convert.graph import Op
from convert.quantize.ranges import FREE, LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from convert.graph import Graph
    from convert.quantize.ranges import Range
    from train.progress import Stage

_LOUD = 0.95
"""Activations are narrowed in the order of their quantisation error, until they make this part of the whole."""

_NARROWER = 0.8
"""One step; it makes the levels a quarter finer."""

_FACES = 64
"""So many of the representative faces are enough: twice as many chose nearly the same."""


def tighten(
    network: Graph, chosen: Mapping[str, Range], representative: NDArray[np.uint8], stage: Stage
) -> dict[str, Range]:
    """Narrow ranges, one after the other, while that brings the outputs closer.

    Args:
        network: A float network.
        chosen: The range of each activation, by its tensor's name.
        representative: ``(M, H, W)`` gray levels; the first `_FACES` are used.
        stage: Shows the progress.

    Returns:
        All ranges, each within what it was and around 0.
    """
    faces = representative[:_FACES]
    reference = float_runtime.logits(network, faces)

    def noise(name: str, tried: Range) -> float:
        error = float_runtime.logits(rounded(network, name, tried), faces) - reference
        # The mean is subtracted from the outputs later on; see `convert.quantize.bias_correction`.
        return float(error.var(axis=0).sum())

    found = dict(chosen)
    names = _free(network)
    advance, noises = stage("what each range costs", len(names)), dict[str, float]()
    for name in names:
        noises[name] = noise(name, found[name])
        advance(1)
    noisiest = _noisiest(noises)
    advance = stage("narrower ranges", len(noisiest))
    for name in noisiest:
        best = noises[name]
        while True:
            low, high = found[name]
            tried = [(low * a, high * b) for a, b in ((_NARROWER, 1), (1, _NARROWER), (_NARROWER, _NARROWER))]
            quietest, narrower = min((noise(name, range_), range_) for range_ in tried)
            if quietest >= best:
                break
            best, found[name] = quietest, narrower
        advance(1)
    return found


def _free(graph: Graph) -> list[str]:
    """Return the names of the activations whose ranges can be chosen, in the order in which they are made."""
    written = (operator.output for operator in graph.operators if operator.code in FREE)
    return [tensor.name for tensor in written if tensor not in graph.outputs]


def _noisiest(noises: Mapping[str, float]) -> list[str]:
    names = sorted(noises, key=lambda name: noises[name], reverse=True)
    before = np.cumsum([0.0] + [noises[name] for name in names])
    return [name for name, louder in zip(names, before, strict=False) if louder < _LOUD * before[-1]]


def rounded(network: Graph, name: str, chosen: Range) -> Graph:
    """Return a float network in which one activation is rounded to int8 and back."""
    graph = network.copy()
    place, activation = next(
        (place, tensor)
        for place, operator in enumerate(graph.operators)
        for tensor in operator.outputs[:1]
        if tensor.name == name
    )
    low, high = chosen
    step = max(high - low, 1e-12) / LEVELS
    coarse, back = (graph.add_tensor(f"{name}/{kind}", activation.shape, kind) for kind in ("int8", "float32"))
    scale = coarse.record.quantization = schema.QuantizationParametersT()
    scale.scale = np.array([step], np.float32)
    scale.zeroPoint = np.array([np.clip(np.round(-low / step) - 128, -128, 127)], np.int64)
    graph.replace(activation, back)
    graph.add_operator(Op.QUANTIZE, [activation], coarse, at=place + 1)
    graph.add_operator(Op.DEQUANTIZE, [coarse], back, at=place + 2)
    return graph
