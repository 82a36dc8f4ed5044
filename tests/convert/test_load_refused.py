"""A model that cannot be loaded: one sentence says why not."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import keras
import pytest

from convert.errors import ModelError
from convert.load import export, onnx_file
from convert.load.export import tf
from tests.convert import small
from tests.convert.loading import beside, exported, loaded, refusal, saved, written
from tests.convert.small import LABELS, SIZE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


L = keras.layers

GRAY = small.weights(1)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda x: tf.math.igamma(tf.abs(x), tf.abs(x)), "Igamma"),
        (lambda x: tf.strings.to_number(tf.strings.as_string(x)), "AsString, StringToNumber"),
    ],
)
def test_what_tflite_lacks_is_named(function: Callable[[Any], Any], names: str, tmp_path: Path) -> None:
    class Odd(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, 1), tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, pixels: Any) -> Any:
            return function(tf.reduce_mean(pixels, (1, 2)) * tf.constant([[1.0, 2.0, 3.0, 4.0]]))

    odd = Odd()
    tf.saved_model.save(odd, str(tmp_path / "odd"), signatures=odd.__call__)
    path = beside(tmp_path / "odd")
    assert refusal(path) == f"{path}: TFLite has no operator for {names}"


def test_what_tensorflow_says_after_a_traceback_is_its_last_line(tmp_path: Path) -> None:
    error = ValueError(
        'in user code:\n\n    File "/x.py", line 1, in run  *\n        f()\n\n    ValueError: wrong shape\n\n'
    )
    path = tmp_path / "model"
    assert str(export.refusal(path, error)) == f"{path}: TensorFlow cannot convert it: ValueError: wrong shape"


def test_what_onnx2tf_lacks_is_named(onnx_folder: Path) -> None:
    model = small.as_onnx(GRAY, [1, 1, SIZE, SIZE])
    model.graph.node[1].op_type, model.graph.node[1].name = "Det", "strange"
    said = refusal(written(model, onnx_folder / "odd.onnx"))
    assert "onnx2tf cannot convert it" in said
    assert said.endswith("at strange")
    assert "\n" not in said


def test_a_loop_is_refused_unless_it_is_unrolled(tmp_path: Path) -> None:
    for unroll in (True, False):
        layers = (L.Reshape((4, -1)), L.GRU(4, unroll=unroll), L.Dense(len(LABELS)))
        path = saved(small.chain(L.Conv2D(2, 3), L.MaxPooling2D(5), *layers), tmp_path / f"{unroll}.keras")
        if unroll:
            loaded(path)
        else:
            assert refusal(path) == (
                f"{path}: it has a loop or a branch (LSTM, GRU, While), which a bundle cannot hold; "
                "build its recurrent layers with unroll=True"
            )


@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5"])
def test_a_text_is_no_keras_model(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"text{ending}"
    path.write_text("not a model")
    assert "not a Keras model" in refusal(path)


def test_half_a_file_is_no_model(tmp_path: Path) -> None:
    model = small.as_keras(GRAY)
    for name in ("tiny.keras", "tiny.h5"):
        path = saved(model, tmp_path / name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "not a Keras model" in refusal(path)
    path = exported(model, tmp_path / "tiny")
    graph = path / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
    assert "not a SavedModel" in refusal(path)


def test_any_archive_is_no_keras_model(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.keras", "w") as archive:
        archive.writestr("beach.jpg", "")
    assert "not a Keras model" in refusal(tmp_path / "photos.keras")


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    small.as_keras(GRAY).save_weights(tmp_path / "tiny.weights.h5")
    assert "it holds weights only, not the network that they belong to" in refusal(tmp_path / "tiny.weights.h5")


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_keras_model_without_one_picture_is_refused(tmp_path: Path) -> None:
    first, second = keras.Input((SIZE, SIZE, 1)), keras.Input((SIZE, SIZE, 1))
    for model, shown in (
        (keras.Model([first, second], L.Add()([first, second])), "[(None, 32, 32, 1), (None, 32, 32, 1)]"),
        (small.chain(L.Flatten(), channels=5), "(None, 32, 32, 5)"),
        (keras.Sequential([L.Dense(4)]), "None"),
    ):
        path = saved(model, tmp_path / "tiny.keras")
        assert (
            refusal(path) == f"{path}: its input is {shown}, but one picture, (None, height, width, 1 or 3), is wanted"
        )


def test_a_signature_without_one_picture_is_refused(tmp_path: Path) -> None:
    class Loose(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function  # type: ignore[untyped-decorator]
        def __call__(self, pixels: Any) -> Any:
            return tf.reduce_mean(pixels, -1)

    loose = Loose()
    for number, shape in enumerate((None, (None, 48), (None, SIZE, SIZE, 4))):
        path = tmp_path / str(number)
        tf.saved_model.save(loose, str(path), signatures=loose.__call__.get_concrete_function(tf.TensorSpec(shape)))
        assert "but one picture, (None, height, width, 1 or 3), is wanted" in refusal(path)
    path = tmp_path / "other"
    function = loose.__call__.get_concrete_function(tf.TensorSpec((None, SIZE, SIZE, 1)))
    tf.saved_model.save(loose, str(path), signatures={"other": function})
    assert refusal(path) == f"{path}: it has no signature serving_default, but other"
    tf.saved_model.save(loose, str(path), signatures={"\x1b[2J" + "s" * 1000: function})
    assert refusal(path) == f"{path}: it has no signature serving_default, but ?[2J{'s' * 195}…"


@pytest.mark.parametrize("operator", ["QuantizeLinear", "QLinearConv", "DynamicQuantizeLinear", "MatMulInteger"])
def test_an_onnx_file_that_is_quantised_already_says_so(
    operator: str, onnx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx  # noqa: PLC0415  # not installed with every Python

    monkeypatch.setattr(onnx.checker, "check_model", lambda _: None)  # the operator alone is not a whole network
    model = small.as_onnx(GRAY, [1, 1, SIZE, SIZE])
    model.graph.node[2].op_type = operator
    path = written(model, onnx_folder / "quantised.onnx")
    with pytest.raises(ModelError) as caught:
        onnx_file.open_model(path)
    assert str(caught.value) == (
        f"{path}: it is quantised already ({operator}); export the float model that it was made from"
    )


def test_an_onnx_file_that_is_no_classifier_of_pictures_is_refused(onnx_folder: Path) -> None:
    from onnx import TensorProto  # noqa: PLC0415  # not installed with every Python

    def changed(name: str, shape: list[int | str], **change: int) -> Path:
        model = small.as_onnx(GRAY, shape)
        for key, value in change.items():
            setattr(model.graph.input[0].type.tensor_type, key, value)
        return written(model, onnx_folder / name)

    (onnx_folder / "text.onnx").write_text("not a model")
    for path, said in (
        (onnx_folder / "text.onnx", "not an ONNX model"),
        (changed("flat.onnx", ["N", 1, SIZE]), "one picture, (N, 1 or 3, height, width), is wanted"),
        (changed("many.onnx", ["N", 5, SIZE, SIZE]), "1 or 3 channels are wanted, first or last"),
        (changed("bytes.onnx", ["N", 1, SIZE, SIZE], elem_type=TensorProto.UINT8), "its pixels are UINT8"),
        (changed("open.onnx", ["N", 1, "H", "W"]), "input.size: width and height"),
    ):
        assert said in refusal(path)
    several = small.as_onnx(GRAY, ["N", 1, SIZE, SIZE], outputs=("mean", "answer"))
    assert "(mean, answer)" in refusal(written(several, onnx_folder / "several.onnx"))
    several.graph.node[-1].output[0] = several.graph.output[1].name = "\x1b[2J"
    assert "(mean, ?[2J)" in refusal(written(several, onnx_folder / "several.onnx"))


def test_a_path_that_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.pt").write_text("not a model")
    (tmp_path / "model").write_text("not a model")
    for path, said in (
        (tmp_path / "none.keras", "there is no such file; name a .keras, .h5 or .onnx file"),
        (tmp_path / f"{'x' * 300}.keras", "there is no such file"),
        (tmp_path / "empty", "a folder without saved_model.pb is no SavedModel"),
        (
            tmp_path / "model.pt",
            "its format is unknown; a .keras, .h5 or .onnx file or a SavedModel's folder is wanted",
        ),
        (tmp_path / "model", "its format is unknown"),
    ):
        assert said in refusal(path)
        assert "\n" not in refusal(path)


def test_another_number_of_answers_than_labels_is_refused(tmp_path: Path) -> None:
    path = saved(small.chain(L.GlobalAveragePooling2D(), L.Dense(7)), tmp_path / "tiny.keras")
    assert refusal(path) == f"{path}: its output is [1, 7], but 4 labels are named: {', '.join(LABELS)}"
