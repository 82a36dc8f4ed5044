"""What is in a ``.tflite`` file, read from the file itself and not from what wrote it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convert.graph import Graph, Op

if TYPE_CHECKING:
    from collections.abc import Sequence

CONVOLUTIONS = frozenset({Op.CONV_2D, Op.DEPTHWISE_CONV_2D})
WEIGHTED = CONVOLUTIONS | {Op.FULLY_CONNECTED}
"""Operators whose second input is weights and whose third, if any, is biases."""

_ALIGNMENT = 64
"""Bytes; TFLite places each tensor of its arena at a multiple of this."""


@dataclass(frozen=True)
class Layer:
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
class Anatomy:
    """The parts of a network."""

    layers: tuple[Layer, ...]
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


def dissect(content: bytes) -> Anatomy:
    """Read a ``.tflite`` file's bytes.

    Raises:
        BundleError: It is not a TFLite file with one subgraph.
    """
    graph = Graph(content)
    floats = [i for i in range(len(graph.tensors)) if graph.is_float(i)]
    return Anatomy(
        layers=tuple(_layer(graph, operator) for operator in graph.operators),
        float_operators=tuple(
            graph.kind(o) for o in graph.operators if any(map(graph.is_float, (*graph.read(o), *graph.written(o))))
        ),
        float_tensors=tuple(f"{graph.name(i)} ({graph.type(i)})" for i in floats),
        arena=arena(graph),
        input_shapes=tuple(map(graph.shape, graph.inputs)),
        output_shapes=tuple(map(graph.shape, graph.outputs)),
        output_names=_output_names(graph),
        min_runtime=_min_runtime(graph),
    )


def _layer(graph: Graph, operator: Any) -> Layer:
    code, read, output = graph.code(operator), graph.read(operator), graph.shape(graph.written(operator)[0])
    weights = [graph.shape(i) for i in read[1:3]] if code in WEIGHTED else []
    return Layer(
        operator=graph.kind(operator),
        name=graph.name(graph.written(operator)[0]),
        output=output,
        macs=_macs(code, output, [graph.shape(i) for i in read]),
        parameters=sum(map(math.prod, weights)),
    )


def _macs(code: int, output: Sequence[int], inputs: Sequence[Sequence[int]]) -> int:
    if code in CONVOLUTIONS:  # (out or 1, kernel height, kernel width, in or channels) at each place of the output
        return math.prod(output[:3]) * math.prod(inputs[1])
    if code == Op.FULLY_CONNECTED:
        return math.prod(output[:-1]) * math.prod(inputs[1])
    if code == Op.BATCH_MATMUL:
        return math.prod(output) * inputs[0][-1]
    return 0


def arena(graph: Graph) -> int:
    """Give the bytes that hold every activation while it is needed.

    The largest tensors are placed first, each at the lowest offset that is free while it
    lives: "greedy by size" of Pisarchyk and Lee, "Efficient Memory Management for Deep
    Neural Net Inference", 2020, which is how TFLite plans its arena. Kernels may want
    scratch memory besides, and XNNPACK keeps its own copy of the weights.
    """
    last = len(graph.operators)
    born = dict.fromkeys(graph.inputs, 0)
    dead = dict.fromkeys((*graph.inputs, *graph.outputs), last)
    for place, operator in enumerate(graph.operators):
        born |= dict.fromkeys(graph.written(operator), place)
        dead |= {i: max(place, dead.get(i, 0)) for i in (*graph.read(operator), *graph.written(operator))}
    sizes = {i: _bytes(graph, i) for i in born}
    placed: list[tuple[int, int, int]] = []
    for tensor in sorted(born, key=lambda i: (-sizes[i], born[i], i)):
        offset = 0
        for start, end, other in sorted(placed):
            overlaps = born[other] <= dead[tensor] and born[tensor] <= dead[other]
            if overlaps and start < offset + sizes[tensor] and offset < end:
                offset = end
        placed.append((offset, offset + sizes[tensor], tensor))
    return max((end for _, end, _ in placed), default=0)


def _bytes(graph: Graph, tensor: int) -> int:
    bits = int("".join(filter(str.isdigit, graph.type(tensor))) or 8)  # "bool" says none
    reference = math.prod(max(n, 1) for n in graph.shape(tensor)) * bits // 8
    return -(-reference // _ALIGNMENT) * _ALIGNMENT


def _output_names(graph: Graph) -> tuple[str, ...]:
    if not graph.model.signatureDefs:
        return ()
    names = {int(entry.tensorIndex): entry.name.decode() for entry in graph.model.signatureDefs[0].outputs}
    return tuple(names.get(i, "") for i in graph.outputs)


def _min_runtime(graph: Graph) -> str:
    for entry in graph.model.metadata or []:
        if entry.name == b"min_runtime_version":
            return bytes(graph.model.buffers[entry.buffer].data).rstrip(b"\0").decode()
    return ""
