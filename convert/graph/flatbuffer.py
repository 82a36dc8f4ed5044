"""Between a ``.tflite`` file's bytes and a `Graph`: numbers exist in the file alone."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.graph.graph import Graph
from convert.graph.operator import Operator
from convert.graph.tensor import Tensor, text
from edge.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Numbers = Mapping[int, int]
    """The number in the file of an object, by its `id`."""

_IDENTIFIER = b"TFL3"


def parse(content: bytes) -> Graph:
    """Return the network that a ``.tflite`` file's bytes describe.

    Raises:
        BundleError: It is not a TFLite file with one subgraph.
    """
    if content[4:8] != _IDENTIFIER:
        message = "not a TFLite file"
        raise BundleError(message)
    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    if len(model.subgraphs) != 1:
        message = f"it has {len(model.subgraphs)} subgraphs, but one is wanted"
        raise BundleError(message)
    subgraph = model.subgraphs[0]
    graph = Graph(model)
    graph.buffers, graph.codes = list(model.buffers), list(model.operatorCodes)
    graph.metadata = [(record, graph.buffers[record.buffer]) for record in _list(model.metadata)]
    tensors = graph.tensors = [Tensor(record, graph.buffers[record.buffer]) for record in _list(subgraph.tensors)]
    graph.operators = [
        Operator(
            record,
            graph.codes[record.opcodeIndex],
            [tensors[i] if i >= 0 else None for i in _list(record.inputs)],
            [tensors[i] for i in _list(record.outputs)],
            [tensors[i] for i in _list(record.intermediates)],
        )
        for record in _list(subgraph.operators)
    ]
    graph.inputs, graph.outputs = ([tensors[i] for i in _list(part)] for part in (subgraph.inputs, subgraph.outputs))
    for signature in _list(model.signatureDefs)[:1]:
        fed, read = (
            {text(entry.name): tensors[entry.tensorIndex] for entry in part}
            for part in (signature.inputs, signature.outputs)
        )
        graph.signature = fed, read
    return graph


def serialize(graph: Graph) -> bytes:
    """Return the ``.tflite`` file of a network, without the tensors, constants and codes that no operator uses.

    The graph stays as it is.
    """
    connected = [t for o in graph.operators for t in (*o.read, *o.outputs, *o.intermediates)]
    tensors = _used(graph.tensors, [*connected, *graph.inputs, *graph.outputs])
    metadata = [buffer for _, buffer in graph.metadata]
    buffers = _used(graph.buffers, [graph.buffers[0], *(tensor.buffer for tensor in tensors), *metadata])
    codes = _used(graph.codes, [operator.code_record for operator in graph.operators])
    numbers = {id(part): number for parts in (tensors, buffers, codes) for number, part in enumerate(parts)}

    subgraph = copy(graph.model.subgraphs[0])
    subgraph.tensors = [_placed(tensor.record, numbers, tensor.buffer) for tensor in tensors]
    subgraph.operators = [_operator(operator, numbers) for operator in graph.operators]
    subgraph.inputs, subgraph.outputs = (_numbers(part, numbers) for part in (graph.inputs, graph.outputs))
    model = copy(graph.model)
    model.subgraphs, model.buffers, model.operatorCodes = [subgraph], buffers, codes
    model.metadata = [_placed(record, numbers, buffer) for record, buffer in graph.metadata] or None
    model.metadataBuffer = None
    model.signatureDefs = _signatures(graph, numbers)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _list(values: Iterable[Any] | None) -> list[Any]:
    return [] if values is None else list(values)


def _used(parts: Sequence[Any], used: Iterable[Any]) -> list[Any]:
    """Return those parts that are used, in their order."""
    wanted = set(map(id, used))
    return [part for part in parts if id(part) in wanted]


def _numbers(tensors: Iterable[Tensor | None], numbers: Numbers) -> NDArray[np.int32]:
    return np.array([-1 if tensor is None else numbers[id(tensor)] for tensor in tensors], np.int32)


def _placed(record: Any, numbers: Numbers, buffer: Any) -> Any:
    """Return a copy of a tensor's or metadata's record that names its buffer."""
    written = copy(record)
    written.buffer = numbers[id(buffer)]
    return written


def _operator(operator: Operator, numbers: Numbers) -> Any:
    written = copy(operator.record)
    written.opcodeIndex = numbers[id(operator.code_record)]
    written.inputs, written.outputs = _numbers(operator.inputs, numbers), _numbers(operator.outputs, numbers)
    if operator.intermediates:
        written.intermediates = _numbers(operator.intermediates, numbers)
    return written


def _signatures(graph: Graph, numbers: Numbers) -> list[Any] | None:
    if graph.signature is None:
        return None
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs, signature.outputs = (
        [_entry(name, numbers[id(tensor)]) for name, tensor in part.items()] for part in graph.signature
    )
    return [signature]


def _entry(name: str, number: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), number
    return entry
