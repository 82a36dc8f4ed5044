"""A model is data: what would run code, open files or fill the memory is refused before it is loaded."""

from __future__ import annotations

import inspect
import json
import zipfile
from typing import TYPE_CHECKING, Any

import keras
import pytest
import tf_keras
from tensorflow.python.util.tf_export import get_symbol_from_name

from convert.__main__ import main
from convert.errors import ModelError
from convert.load import load
from convert.load.config_check import check_keras
from convert.load.export import tf
from convert.load.keras_file import open_model
from convert.load.operations import FUNCTIONS
from tests.archives import METHODS, damaged_archive
from tests.convert import small
from tests.convert.small import LABELS, SIZE
from tests.train.synthetic import Run, call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.convert.conftest import Converted


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
