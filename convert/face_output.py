"""Models that also tell whether a picture is a face at all.

Until a network is quantised, that logit is one more column behind the emotions'; the bundle
has it as an output of its own, named ``face``.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from convert.errors import ModelError
from convert.graph import LOGITS, Graph, Op
from edge.inference.bundle import FACE, sigmoid, softmax

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def in_order(labels: Sequence[str]) -> tuple[str, ...]:
    """Sort labels by name, as a bundle has them; the face's comes last."""
    return tuple(sorted(labels, key=lambda label: (label == FACE, label)))


def emotions(rows: NDArray[np.float32], labels: Sequence[str]) -> NDArray[np.float32]:
    """Give the columns of ``(N, C)`` logits that are emotions."""
    return rows[:, : len(labels) - (FACE in labels)]


def answers(rows: NDArray[np.float32], labels: Sequence[str]) -> NDArray[np.float32]:
    """Turn ``(N, C)`` logits into the emotions' probabilities, and beside them the face's own."""
    told = softmax(emotions(rows, labels))
    return np.hstack([told, sigmoid(rows[:, -1:])]) if FACE in labels else told


def split(path: Path, quantised: bytes) -> bytes:
    """Give the last column of the logits an output of its own; its numbers stay what they are.

    Args:
        path: Where the model came from, for messages.
        quantised: A ``.tflite`` file of full-integer int8 with one output.

    Raises:
        ModelError: The logits do not come from a dense layer.
    """
    graph = Graph(quantised)
    (logits,) = graph.outputs
    last = graph.producer(logits)
    if last is None or graph.code(last) != Op.FULLY_CONNECTED:
        message = f"{path}: a model that tells faces apart must end with a dense layer"
        raise ModelError(message)
    columns = graph.shape(logits)[1]
    graph.tensors.append(deepcopy(graph.tensors[logits]))
    face = len(graph.tensors) - 1
    graph.add_operator(Op.FULLY_CONNECTED, graph.read(last), face, last.builtinOptions, at=len(graph.operators))
    parts = ((last, LOGITS, slice(columns - 1)), (graph.operators[-1], FACE, slice(columns - 1, columns)))
    for operator, name, rows in parts:
        constants = [graph.add_rows(tensor, rows) for tensor in graph.read(operator)[1:]]
        operator.inputs = np.array([graph.read(operator)[0], *constants], np.int32)
        output = graph.tensors[graph.written(operator)[0]]
        output.name, output.shapeSignature = name.encode(), None
        output.shape = np.array([1, rows.stop - (rows.start or 0)], np.int32)
    graph.set_io(graph.inputs[0], logits, face)
    return graph.to_bytes()
