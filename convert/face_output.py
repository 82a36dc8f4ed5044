"""Models that also tell whether a picture is a face at all.

Until a network is quantised, that logit is one more column behind the emotions'; the bundle has it as an output of its
own, named ``face``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convert.errors import ModelError
from convert.graph import LOGITS, Op
from edge.inference.labels import FACE

if TYPE_CHECKING:
    from pathlib import Path

    from convert.graph import Graph


def check_last_layer(path: Path, network: Graph) -> None:
    """Check that the face's logit can be split off, before the work that ends with it.

    Args:
        path: Where the model came from, for messages.
        network: The folded network, with one output.

    Raises:
        ModelError: The logits do not come from a dense layer.
    """
    (logits,) = network.outputs
    last = network.producer(logits)
    if last is None or last.code != Op.FULLY_CONNECTED:
        ends = "is none" if last is None else f"is {last.kind}"
        message = f"{path}: a model that tells faces apart must end with a dense layer; the last operator {ends}"
        raise ModelError(message)


def split_face(quantised: Graph) -> Graph:
    """Return a network in which the last column of the logits is an output of its own; its numbers stay what they are.

    Args:
        quantised: A full-integer int8 network with one output, which stays as it is. Its float one passed
            `check_last_layer`.
    """
    graph = quantised.copy()
    (logits,) = graph.outputs
    (last,) = (operator for operator in graph.operators if logits in operator.outputs)
    columns = logits.shape[1]
    face = graph.add_copy(logits)
    other = graph.add_operator(Op.FULLY_CONNECTED, last.read, face, last.options, at=len(graph.operators))
    for operator, name, rows in ((last, LOGITS, slice(columns - 1)), (other, FACE, slice(columns - 1, columns))):
        taken, *constants = operator.read
        operator.inputs = [taken, *(graph.add_rows(constant, rows) for constant in constants)]
        operator.output.name = name
        operator.output.shape = (1, rows.stop - (rows.start or 0))
    graph.set_io(graph.inputs[0], logits, face)
    return graph
