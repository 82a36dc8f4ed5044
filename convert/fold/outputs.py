"""The end of a network: logits in the bundle's order of labels, as one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.graph import Op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convert.graph import Graph, Operator, Tensor

_RESHAPES = frozenset({Op.RESHAPE, Op.SQUEEZE, Op.EXPAND_DIMS})

_TINY = 1e-7
"""Least probability whose logarithm is taken."""


def to_logits(graph: Graph, *, probabilities: bool) -> None:
    """Remove a softmax at the end; where probabilities come from something else, take their logarithm."""
    (output,) = graph.outputs
    last = graph.producer(_before_reshapes(graph, output))
    if last is not None and _is_softmax(last):
        graph.replace(last.output, last.read[0])
        graph.remove(last)
    elif probabilities:
        above, logits = (graph.add_tensor(name, output.shape) for name in ("above_zero", "logarithm"))
        least = graph.add_constant("least", np.array(_TINY, np.float32))
        end = len(graph.operators)
        graph.add_operator(Op.MAXIMUM, (output, least), above, schema.MaximumMinimumOptionsT(), at=end)
        graph.add_operator(Op.LOG, (above,), logits, at=end + 1)
        graph.set_io(graph.inputs[0], logits)


def flatten(graph: Graph, labels: int) -> None:
    """Make the output one row, ``[1, labels]``: the one that is reshaped at the end, if it is one, or a new one."""
    (output,) = graph.outputs
    row = _before_reshapes(graph, output)
    if row.shape == (1, labels):
        graph.set_io(graph.inputs[0], row)
        _remove_unread_reshapes(graph)
        return
    result = graph.add_tensor("row", (1, labels))
    shape = graph.add_constant("row_shape", np.array([1, labels], np.int32))
    options = schema.ReshapeOptionsT()
    options.newShape = [1, labels]
    graph.add_operator(Op.RESHAPE, (output, shape), result, options, at=len(graph.operators))
    graph.set_io(graph.inputs[0], result)


def reorder(graph: Graph, order: Sequence[int]) -> None:
    """Put the outputs into another order: by the last layer's rows or, where they cannot be moved, by a gather."""
    if list(order) == list(range(len(order))):
        return
    (output,) = graph.outputs
    source = _before_reshapes(graph, output)
    last = graph.producer(source)
    alone = all(len(graph.consumers(tensor)) <= 1 for tensor in (source, output))
    if last is not None and alone and last.code in {Op.FULLY_CONNECTED, Op.CONV_2D}:
        parts = [tensor.values for tensor in last.read[1:]]
        if all(part is not None and len(part) == len(order) for part in parts):
            for place, part in enumerate(parts, 1):
                graph.set_input(last, place, part[list(order)])  # type: ignore[index]  # none is None
            return
    result = graph.add_tensor("ordered", output.shape)
    options = schema.GatherOptionsT()
    options.axis = 1
    inputs = (output, graph.add_constant("order", np.array(order, np.int32)))
    graph.add_operator(Op.GATHER, inputs, result, options, at=len(graph.operators))
    graph.set_io(graph.inputs[0], result)


def _is_softmax(operator: Operator) -> bool:
    return operator.code == Op.LOG_SOFTMAX or (operator.code == Op.SOFTMAX and float(operator.options.beta) == 1)


def _remove_unread_reshapes(graph: Graph) -> None:
    for operator in reversed(graph.operators.copy()):
        unread = operator.output not in graph.outputs and not graph.consumers(operator.output)
        if operator.code in _RESHAPES and unread:
            graph.remove(operator)


def _before_reshapes(graph: Graph, tensor: Tensor) -> Tensor:
    """Return the tensor whose values, in their order, another one holds."""
    producer = graph.producer(tensor)
    while producer is not None and producer.code in _RESHAPES:
        tensor = producer.read[0]
        producer = graph.producer(tensor)
    return tensor
