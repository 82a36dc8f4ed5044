"""What a SavedModel's graph would do, read from its file before TensorFlow loads it.

Loading runs parts of the graph already: the functions that set up its resources. So a graph is loaded only if every
operation in it is known to compute and do nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from convert.errors import ModelError
from convert.load.limits import check_folder, read_model
from convert.load.operations import HARMLESS
from edge.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

GRAPH = "saved_model.pb"
_SAVING = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
"""Every SavedModel has them, in functions for saving it again, which loading does not run."""


def check_graph(path: Path) -> None:
    """Read a SavedModel's graph without loading it.

    Raises:
        ModelError: It is none, it is too large, or it has an operation that may do more than compute.
    """
    check_folder(path)
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(read_model(path / GRAPH))
    except DecodeError as error:
        message = f"{path}: not a SavedModel: {GRAPH} cannot be read"
        raise ModelError(message) from error
    found = sorted({name for meta in saved.meta_graphs for name in _doubtful(meta)})
    if found:
        message = (
            f"{path}: it is not loaded, since its graph has {listed(found)}: operations that may "
            "read or write files, use the network or run code; with --trust a model that you made yourself is loaded"
        )
        raise ModelError(message)


def _doubtful(meta: Any) -> Iterator[str]:
    """Yield the operations of a graph that are not known to be harmless."""
    functions = {function.signature.name: function.node_def for function in meta.graph_def.library.function}
    # Files of TensorFlow 1 have no objects; what loading runs of their graph is not known.
    for_saving = set(functions) - _run(meta, functions) if meta.object_graph_def.nodes else set()
    yield from (node.op for node in meta.graph_def.node if node.op not in HARMLESS | functions.keys())
    for name, nodes in functions.items():
        known = HARMLESS | functions.keys() | (_SAVING if name in for_saving else frozenset())
        yield from (node.op for node in nodes if node.op not in known)


def _run(meta: Any, functions: dict[str, Any]) -> set[str]:
    """Return the names of the functions that are run when the model is loaded or used."""
    saver = {name.split(":")[0] for name in (meta.saver_def.save_tensor_name, meta.saver_def.restore_op_name)}
    objects = meta.object_graph_def
    waiting = {name for node in meta.graph_def.node if node.name not in saver for name in _called(node)}
    waiting |= set(objects.concrete_functions)
    for node in objects.nodes:
        waiting |= {*node.function.concrete_functions, node.bare_concrete_function.concrete_function_name}
    for gradient in meta.graph_def.library.gradient:
        waiting.add(gradient.gradient_func)
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in functions and name not in reached:
            reached.add(name)
            waiting.update(called for node in functions[name] for called in _called(node))
    return reached


def _called(node: Any) -> Iterable[str]:
    """Return the names of the functions that a node may call."""
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)


__all__ = ["GRAPH", "check_graph"]
