"""The front of a network: it reads gray levels instead of normalised pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.fold.first_convolution import let_read_gray
from convert.graph import FusedActivation, Op, Padding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convert.graph import Graph, Operator, Tensor
    from convert.scaling import Scaling


def take_gray(graph: Graph, scaling: Scaling) -> None:
    """Let a network read gray levels: by other weights of its first convolution, or by one more before everything."""
    affine = _absorbed(graph, _Affine(*scaling.affine()))
    (seen,) = graph.inputs
    _, height, width, channels = seen.shape
    slope, offset = (np.broadcast_to(part, channels) for part in (affine.slope, affine.offset))
    pixels = graph.add_tensor("pixels", (1, height, width, 1))
    if not let_read_gray(graph, pixels, slope, offset):
        _convolve_before(graph, pixels, slope, offset)
    graph.set_io(pixels, graph.outputs[0])


@dataclass(frozen=True, eq=False)
class _Affine:
    """``slope * gray + offset``, of each channel or of all."""

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]


def _absorbed(graph: Graph, affine: _Affine) -> _Affine:
    """Take out of a network the normalisation that it starts with; return it together with that before it."""
    while True:
        (seen,) = graph.inputs
        operator = graph.sole_consumer(seen)
        after = None if operator is None else _after(operator, seen, affine)
        if operator is None or after is None:
            return affine
        affine = after
        graph.remove(operator)
        graph.set_io(operator.output, graph.outputs[0])


def _after(operator: Operator, seen: Tensor, before: _Affine) -> _Affine | None:
    """Return slope and offset after an operator; None unless it is arithmetic with one constant for each channel."""
    code, slope, offset = operator.code, before.slope, before.offset
    if code not in {Op.MUL, Op.DIV, Op.ADD, Op.SUB} or operator.fused_activation != FusedActivation.NONE:
        return None
    first, second = operator.read
    constant = (second if first is seen else first).values
    if constant is None or constant.size != (constant.shape[-1] if constant.ndim else 1):
        return None
    by = constant.reshape(-1).astype(np.float64)
    wide = np.ones(max(len(by), len(slope)))
    if operator.output.shape[-1] != len(wide) or (code == Op.DIV and first is not seen):
        return None
    if code in {Op.MUL, Op.DIV}:
        factor = by if code == Op.MUL else 1 / by
        return _Affine(slope * factor, offset * factor)
    if code == Op.SUB and first is not seen:  # a constant minus the pixels
        return _Affine(-slope * wide, by - offset)
    return _Affine(slope * wide, offset + (by if code == Op.ADD else -by))


def _convolve_before(graph: Graph, pixels: Tensor, slope: NDArray[np.float64], offset: NDArray[np.float64]) -> None:
    """Compute ``slope * gray + offset`` by a 1x1 convolution, for networks that start with something else."""
    weights = graph.add_constant("scale", slope.reshape(-1, 1, 1, 1).astype(np.float32))
    bias = graph.add_constant("offset", offset.astype(np.float32))
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = Padding.VALID, 1, 1
    graph.add_operator(Op.CONV_2D, (pixels, weights, bias), graph.inputs[0], options, at=0)
