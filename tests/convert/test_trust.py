"""A model is data: what would run code, open files or fill the memory is refused before it is loaded."""

from __future__ import annotations

import inspect
import json
import zipfile
from typing import TYPE_CHECKING, Any

import keras
import pytest
import tf_keras
from tensorflow.python.framework import op_def_registry
from tensorflow.python.util.tf_export import get_symbol_from_name

from convert.__main__ import main
from convert.errors import ModelError
from convert.load import load
from convert.load.config_check import check_keras
from convert.load.export import tf
from convert.load.keras_file import open_model
from convert.load.operations import FUNCTIONS, HARMLESS
from tests.archives import METHODS, damaged_archive
from tests.convert import small
from tests.convert.small import LABELS, SIZE
from tests.convert.test_confinement import has_landlock
from tests.train.synthetic import Run, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.convert.conftest import Converted

CHECKPOINT = {"tensor_names": ["a"], "shape_and_slices": [""]}


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def beside(path: Path) -> Path:
    path.with_suffix(".toml").write_text(small.SIDECAR)
    return path


def doubled(library: Any) -> Any:
    """Return a network with a layer of code."""
    return library.Sequential(
        [
            library.Input((SIZE, SIZE, 1)),
            library.layers.Lambda(lambda pixels: pixels * 2),
            library.layers.GlobalAveragePooling2D(),
            library.layers.Dense(len(LABELS)),
        ]
    )


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize(
    ("library", "name"), [(keras, "new.keras"), (keras, "new.h5"), (tf_keras, "old.h5")], ids=["keras", "h5", "old"]
)
def test_a_layer_of_code_is_loaded_only_if_trusted(library: Any, name: str, tmp_path: Path) -> None:
    path = beside(tmp_path / name)
    doubled(library).save(path)
    said = refusal(path)
    assert "it is not loaded, since it has Lambda" in said
    assert "--trust" in said
    assert load(path, trusted=True).spec.width == SIZE


def test_trust_is_an_option_of_both_commands(
    trained: Run, converted: Converted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = beside(tmp_path / "new.keras")
    doubled(keras).save(path)
    out = tmp_path / "out" / "tiny"
    for command in (
        [str(path), *trained.data, "--out", str(out)],
        ["check", str(converted.network), *trained.data, "--model", str(path)],
    ):
        assert call(main, command) == 2
        assert "it is not loaded, since it has Lambda" in capsys.readouterr().err
        assert call(main, [*command, "--trust"]) in {1, 2}  # loaded, and then no good model
        assert "it is not loaded" not in capsys.readouterr().err
    assert not out.parent.exists()


def test_the_old_keras_never_sees_what_the_new_one_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = beside(tmp_path / "new.h5")
    doubled(keras).save(path)
    monkeypatch.setattr("convert.load.keras_file.check_keras", lambda _: None)
    monkeypatch.setattr(tf_keras.models, "load_model", lambda *_, **__: pytest.fail("it was handed over"))
    with pytest.raises(ModelError, match="not a Keras model"):
        open_model(path)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_the_old_keras_is_given_no_layer_of_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    inputs = tf_keras.Input((SIZE, SIZE, 1))
    doubled_half = tf_keras.layers.Lambda(lambda pixels: pixels * 2)(inputs[:, ::2])  # Keras 3 does not know the slice
    tf_keras.Model(inputs, tf_keras.layers.GlobalAveragePooling2D()(doubled_half)).save(path)
    monkeypatch.setattr("convert.load.keras_file.check_keras", lambda _: None)
    with pytest.raises(ModelError, match="not a Keras model"):
        open_model(path)
    assert open_model(path, trusted=True).facts.width == SIZE


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_file_of_both_formats_is_refused(tmp_path: Path) -> None:
    code, plain = tmp_path / "code.h5", tmp_path / "plain.keras"
    doubled(tf_keras).save(code)
    keras.Sequential([keras.Input((SIZE, SIZE, 1)), keras.layers.Flatten()]).save(plain)
    for name, said in (
        ("both.h5", "it ends with .h5, but is an archive"),
        ("both.HDF5", "it ends with .HDF5, but is an archive"),
        ("both.keras", "it ends with .keras, but is an HDF5 file"),
    ):
        path = tmp_path / name
        path.write_bytes(code.read_bytes() + plain.read_bytes())
        assert said in refusal(path)
    plain.write_bytes(code.read_bytes())
    assert "it ends with .keras, but is an HDF5 file, as .h5 files are; name it .h5" in refusal(plain)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_arithmetic_of_the_old_keras_is_loaded(tmp_path: Path) -> None:
    path = beside(tmp_path / "old.h5")
    inputs = tf_keras.Input((SIZE, SIZE, 1))
    turned = tf.nn.relu6(
        tf.transpose(tf.pad(inputs[:, ::2] / 127.5 - 1, [[0, 0], [0, 1], [0, 0], [0, 0]]), [0, 2, 1, 3])
    )
    mean = tf.concat([tf.reduce_mean(turned, (1, 2)), tf.reshape(tf.image.resize(turned, (1, 1)), (-1, 1))], -1)
    tf_keras.Model(inputs, tf_keras.layers.Dense(len(LABELS))(mean)).save(path)
    assert load(path).spec.width == SIZE


def described(config: Any, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
    return path


NO_ARITHMETIC = (
    *("load_library", "load_op_library", "io.read_file", "io.write_file", "io.decode_proto", "compat.v1.py_func"),
    *("numpy_function", "map_fn", "nn.fixed_unigram_candidate_sampler", "math.accumulate_n", "linalg.LinearOperator"),
    *("keras.models.load_model", "__operators__", "math", "math.add.x", "Math.add", "math.add\n", ""),
)


@pytest.mark.parametrize(
    "part",
    [
        {"class_name": "Lambda", "config": {}},
        {"class_name": "__lambda__", "config": {"code": "4w=="}},
        {"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "other"}},
        {"class_name": "StringLookup", "module": "keras.layers", "config": {"vocabulary": "/etc/passwd"}},
        {"class_name": "function", "module": "builtins", "config": "eval"},
        {"class_name": "function", "module": "keras.utils", "config": "get_file"},
        {"class_name": "get_file", "module": "keras.utils", "config": {}},
        {"class_name": "Popen", "module": "subprocess", "config": {}},
        {"class_name": "system", "module": "os", "config": "true"},
        {"class_name": "load_model", "module": "keras.models", "config": "x.h5"},
        {"class_name": "Strange", "registered_name": "package>Strange", "module": None, "config": {}},
        {"class_name": "TFOpLambda", "config": {"function": "io.write_file"}},
        {"class_name": "TFOpLambda", "config": {"function": "compat.v1.py_func"}},
        *(
            {"class_name": kind, "config": {"function": function} if function else {}}
            for kind in ("SlicingOpLambda", "TFOpLambda")
            for function in (*NO_ARITHMETIC, None)
        ),
        {"class_name": "SlicingOpLambda", "config": {"function": "math.add"}},
        {"class_name": "Lambda", "module": "keras.ops", "config": {}},
        {"class_name": "TFOpLambda", "module": "keras.src.ops.numpy", "config": {"function": "io.read_file"}},
        {"class_name": "ClassMethod", "module": "keras.ops", "config": {}},
        {"class_name": "Map", "module": "keras.src.ops.core", "config": {}},
        {"class_name": "Dense", "module": "keras.layers", "registered_name": "Lambda", "config": {}},
        {"class_name": "save_model", "module": "keras.models", "config": {}},
        {"class_name": "TensorFlowOpLayer", "config": {}},
        {"class_name": "DenseFeatures", "config": {}},
        {"class_name": "ClassMethod", "config": {}},
        {"class_name": ["Dense"], "config": {}},
    ],
    ids=lambda part: f"{part['class_name']}",
)
def test_a_name_that_may_do_more_than_compute_is_refused(part: dict[str, Any], tmp_path: Path) -> None:
    layers = [{"class_name": "Dense", "config": {"activation": [part]}}]
    path = described({"class_name": "Sequential", "config": {"layers": layers}}, tmp_path / "a.keras")
    with pytest.raises(ModelError, match="it is not loaded, since it has"):
        check_keras(path)


def test_what_a_model_was_trained_with_is_not_loaded(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((SIZE, SIZE, 1)), keras.layers.Flatten(), keras.layers.Dense(len(LABELS))])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(tmp_path / "trained.keras")
    opened = open_model(tmp_path / "trained.keras")
    assert opened.facts.width == SIZE
    assert not opened.model.compiled


def test_a_refused_function_is_named(tmp_path: Path) -> None:
    for inside, shown in (
        ({"function": "load_library"}, "SlicingOpLambda of load_library"),
        ({}, "SlicingOpLambda of no function"),
    ):
        layers = [{"class_name": "SlicingOpLambda", "config": inside}]
        path = described({"class_name": "Functional", "config": {"layers": layers}}, tmp_path / "a.keras")
        with pytest.raises(ModelError, match=f"since it has {shown}: code of its own"):
            check_keras(path)


def test_the_functions_that_slice_are_harmless(tmp_path: Path) -> None:
    for function in ("__operators__.getitem", "boolean_mask", "compat.v1.boolean_mask", "__operators__.ragged_getitem"):
        part = {"class_name": "SlicingOpLambda", "config": {"function": function}}
        check_keras(described({"class_name": "Functional", "config": {"layers": [part]}}, tmp_path / "a.keras"))


def test_only_known_functions_are_harmless() -> None:
    found = {name: get_symbol_from_name(name) for name in FUNCTIONS}
    there = {name.removeprefix("compat.v1.") for name, function in found.items() if function}
    assert {name.removeprefix("compat.v1.") for name in FUNCTIONS} == there
    reaching = {"collections", "filename", "fn", "func", "function", "initializer", "path", "vocab_file"}
    for name, function in found.items():
        assert not function or not reaching & set(inspect.signature(function).parameters), name


def test_arithmetic_of_the_old_keras_is_known_by_its_module_too(tmp_path: Path) -> None:
    part = {"class_name": "TFOpLambda", "module": "tf_keras.src.layers.core.tf_op_layer"}
    check_keras(described(part | {"config": {"function": "__operators__.add"}}, tmp_path / "a.keras"))


def test_descriptions_that_are_none_are_one_sentence(tmp_path: Path) -> None:
    for text in ("", "[" * 200_000, '{"a":' * 200_000, "{", '{"class_name": 1e999999}', "\x00"):
        with pytest.raises(ModelError):
            check_keras(described(text, tmp_path / "a.keras"))


@pytest.mark.parametrize("method", METHODS)
def test_an_archive_that_does_not_unpack_is_one_sentence(method: int, tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    path.write_bytes(damaged_archive({"config.json": b"{}"}, method))
    with pytest.raises(ModelError, match=r"a\.keras: not a Keras model: \w"):
        check_keras(path)


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
