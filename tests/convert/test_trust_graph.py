"""A SavedModel's graph is read before TensorFlow runs any of it: what may do more than compute is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tensorflow.python.framework import op_def_registry

from convert.errors import ModelError
from convert.load import load
from convert.load.export import tf
from convert.load.operations import HARMLESS
from tests.convert.small import SIZE
from tests.convert.test_confinement import has_landlock
from tests.convert.test_trust import beside, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHECKPOINT = {"tensor_names": ["a"], "shape_and_slices": [""]}


def graph_that(does: Callable[[Any], Any], path: Path) -> Path:
    """Save a classifier whose graph also does something else with a text."""

    class Model(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, 1), tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, pixels: Any) -> Any:
            does(tf.constant("text"))
            return tf.reduce_mean(pixels, (1, 2)) * tf.constant([[1.0, 2.0, 3.0, 4.0]])

    model = Model()
    tf.saved_model.save(model, str(path), signatures=model.__call__)
    return beside(path)


@pytest.mark.parametrize(
    ("does", "operation"),
    [
        (lambda text: tf.io.write_file("never", text), "WriteFile"),
        (lambda _: tf.io.read_file("/etc/hostname"), "ReadFile"),
        (lambda text: tf.print(text, output_stream="file:///never"), "PrintV2"),
        (lambda text: tf.py_function(lambda given: given, [text], tf.string), "EagerPyFunc"),
        (lambda text: tf.raw_ops.SaveV2(prefix=text, tensors=[1.0], **CHECKPOINT), "SaveV2"),
        (lambda text: tf.raw_ops.RestoreV2(prefix=text, dtypes=[tf.int8], **CHECKPOINT), "RestoreV2"),
        (lambda text: tf.raw_ops.MatchingFiles(pattern=text), "MatchingFiles"),
        (lambda _: tf.while_loop(lambda i: i < 1, lambda i: [i + tf.size(tf.io.read_file("/x"))], [0]), "ReadFile"),
    ],
)  # fmt: skip
def test_a_graph_that_may_do_more_than_compute_is_refused(
    does: Callable[[Any], Any], operation: str, tmp_path: Path
) -> None:
    said = refusal(graph_that(does, tmp_path / "model"))
    assert f"it is not loaded, since its graph has {operation}: operations that may read or write files" in said


def test_a_resource_that_writes_a_file_when_it_is_set_up_is_not_set_up(tmp_path: Path) -> None:
    from tensorflow.python.trackable.resource import CapturableResource  # noqa: PLC0415  # no public name

    trace = tmp_path / "trace"

    class Trap(CapturableResource):  # type: ignore[misc]  # TensorFlow has no types
        def _create_resource(self) -> Any:
            return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name="trap")

        def _initialize(self) -> None:
            tf.io.write_file(str(trace), "sprung")

    class Model(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.trap = Trap()

        @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, 1), tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, pixels: Any) -> Any:
            return tf.reduce_mean(pixels, (1, 2)) * tf.constant([[1.0, 2.0, 3.0, 4.0]])

    model = Model()
    tf.saved_model.save(model, str(tmp_path / "model"), signatures=model.__call__)
    path = beside(tmp_path / "model")
    trace.unlink(missing_ok=True)
    assert "WriteFile" in refusal(path)
    assert not trace.exists()
    if has_landlock():  # even one's own model is loaded in a process that may not write
        with pytest.raises(ModelError, match="not a SavedModel"):
            load(path, trusted=True)
        assert not trace.exists()
    tf.saved_model.load(str(path))
    assert trace.exists()  # the trap does spring


def test_only_known_operations_are_harmless() -> None:
    known = {name: op_def_registry.get(name) for name in HARMLESS}
    assert [name for name, found in known.items() if found is None] == []
    stateful = {name for name, found in known.items() if found.is_stateful}
    variables = {name for name in stateful if "Variable" in name or name.startswith(("Resource", "Var"))}
    draws = {name for name in stateful if name.startswith(("Random", "Truncated"))}
    assert stateful - variables - draws == {
        *("Assert", "Case", "CheckNumerics", "CheckNumericsV2", "Empty", "If", "StatefulPartitionedCall", "While"),
        *("DestroyResourceOp", "DisableCopyOnRead", "StatelessRandomGetAlg"),
    }
    assert not {name for name in HARMLESS if "File" in name or "Py" in name or "Debug" in name or "Remote" in name}
