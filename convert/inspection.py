"""What is in a network, read from what will run and not from what made it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert.graph import Op
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convert.graph import Graph, Operator, Tensor

CONVOLUTIONS = frozenset({Op.CONV_2D, Op.DEPTHWISE_CONV_2D})
WEIGHTED = CONVOLUTIONS | {Op.FULLY_CONNECTED}
"""Operators whose second input is weights and whose third, if any, is biases."""

_ALIGNMENT = 64
"""Bytes; TFLite places each tensor of its arena at a multiple of this."""


@dataclass(frozen=True)
class LayerSummary:
    """One operator of the network."""

    operator: str
    """TFLite's name, as in ``CONV_2D``."""

    name: str
    """Of the tensor that it writes."""

    output: tuple[int, ...]
    """That tensor's shape."""

    macs: int
    parameters: int


@dataclass(frozen=True)
class NetworkSummary:
    """The parts of a network, and what they cost."""

    layers: tuple[LayerSummary, ...]
    """In the order in which they run."""

    float_operators: tuple[str, ...]
    """Operators that read or write a float tensor; none in an integer network."""

    float_tensors: tuple[str, ...]
    """Names of float tensors with their types."""

    arena: int
    """Bytes that the activations need; see `arena`."""

    input_shapes: tuple[tuple[int, ...], ...]
    """Declared shapes; -1 where the file leaves a size open."""

    output_shapes: tuple[tuple[int, ...], ...]

    output_names: tuple[str, ...]
    """The signature's names, in the order of the outputs; empty without one."""

    min_runtime: str
    """The oldest TFLite that runs it, as the converter wrote it down; may be empty."""

    @property
    def operators(self) -> dict[str, int]:
        """How often each operator occurs, by TFLite's name, sorted."""
        return dict(sorted(Counter(layer.operator for layer in self.layers).items()))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions, dense layers and matrix products."""
        return sum(layer.macs for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(layer.parameters for layer in self.layers)


def summarize(graph: Graph) -> NetworkSummary:
    """Return what is in a network."""
    return NetworkSummary(
        layers=tuple(map(_layer, graph.operators)),
        float_operators=tuple(
            operator.kind
            for operator in graph.operators
            if any(tensor.is_float for tensor in (*operator.read, *operator.outputs))
        ),
        float_tensors=tuple(f"{tensor.name} ({tensor.type})" for tensor in graph.tensors if tensor.is_float),
        arena=arena(graph),
        input_shapes=tuple(tensor.shape for tensor in graph.inputs),
        output_shapes=tuple(tensor.shape for tensor in graph.outputs),
        output_names=graph.output_names,
        min_runtime=printable(graph.metadata_value("min_runtime_version").rstrip(b"\0").decode(errors="replace"), 32),
    )


def _layer(operator: Operator) -> LayerSummary:
    weights = [tensor.shape for tensor in operator.read[1:3]] if operator.code in WEIGHTED else []
    if operator.code == Op.TRANSPOSE_CONV:  # (output's shape, weights, input, biases if there are any)
        weights = [tensor.shape for place, tensor in enumerate(operator.read) if place in {1, 3}]
    return LayerSummary(
        operator=operator.kind,
        name=operator.output.name,
        output=operator.output.shape,
        macs=_macs(operator, operator.output.shape, [tensor.shape for tensor in operator.read]),
        parameters=sum(map(math.prod, weights)),
    )


def _macs(operator: Operator, output: Sequence[int], inputs: Sequence[Sequence[int]]) -> int:
    code = operator.code
    if code in CONVOLUTIONS:  # (out or 1, kernel height, kernel width, in or channels) at each place of the output
        return math.prod(output[:3]) * math.prod(inputs[1])
    if code == Op.FULLY_CONNECTED:
        return math.prod(output[:-1]) * math.prod(inputs[1])
    if code == Op.BATCH_MATMUL:
        return math.prod(output) * inputs[0][-2 if operator.options.adjX else -1]
    if code == Op.TRANSPOSE_CONV:  # each place of the input meets the whole kernel
        return math.prod(inputs[2][:3]) * math.prod(inputs[1])
    return 0


def arena(graph: Graph) -> int:
    """Return the bytes that hold every activation while it is needed.

    The largest tensors are placed first, each at the lowest offset that is free while it
    lives: "greedy by size" of Pisarchyk and Lee, "Efficient Memory Management for Deep
    Neural Net Inference", 2020, which is how TFLite plans its arena. Kernels may want
    scratch memory besides, and XNNPACK keeps its own copy of the weights.
    """
    last = len(graph.operators)
    born: dict[Tensor, int] = dict.fromkeys(graph.inputs, 0)
    dead: dict[Tensor, int] = dict.fromkeys((*graph.inputs, *graph.outputs), last)
    for place, operator in enumerate(graph.operators):
        born |= dict.fromkeys(operator.outputs, place)
        dead |= {tensor: max(place, dead.get(tensor, 0)) for tensor in (*operator.read, *operator.outputs)}
    sizes = {tensor: _aligned_bytes(tensor) for tensor in born}
    order = {tensor: place for place, tensor in enumerate(graph.tensors)}
    placed: list[tuple[int, int, int, Tensor]] = []
    for tensor in sorted(born, key=lambda one: (-sizes[one], born[one], order[one])):
        offset = 0
        for start, end, _, other in sorted(placed):
            overlaps = born[other] <= dead[tensor] and born[tensor] <= dead[other]
            if overlaps and start < offset + sizes[tensor] and offset < end:
                offset = end
        placed.append((offset, offset + sizes[tensor], order[tensor], tensor))
    return max((end for _, end, _, _ in placed), default=0)


def _aligned_bytes(tensor: Tensor) -> int:
    bits = int("".join(filter(str.isdigit, tensor.type)) or 8)  # "bool" has no digits
    size = math.prod(max(n, 1) for n in tensor.shape) * bits // 8
    return -(-size // _ALIGNMENT) * _ALIGNMENT
