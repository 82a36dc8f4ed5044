"""A model in any format becomes the float network that its own framework runs, or one sentence says why not."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tf_keras

from convert import float_runtime
from convert.errors import ModelError
from convert.float_runtime import FloatNetwork
from convert.fold import fold
from convert.graph import serialize
from convert.load import LoadedModel, load, onnx_file
from convert.load.export import tf
from edge.inference.outputs import softmax
from tests.convert import small
from tests.convert.small import LABELS, ORDER, SIZE, pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

L = keras.layers

SIZED = small.SIDECAR + f"size = [{SIZE}, {SIZE}]\n"
CHOSEN = 'output = "answer"\n'


def beside(path: Path, text: str = small.SIDECAR) -> Path:
    path.with_suffix(".toml").write_text(text)
    return path


def saved(model: keras.Model, path: Path, text: str = small.SIDECAR) -> Path:
    model.save(path)
    return beside(path, text)


def exported(model: keras.Model, path: Path, text: str = small.SIDECAR) -> Path:
    model.export(path, verbose=False)
    return beside(path, text)


def written(model: Any, path: Path, text: str = small.SIDECAR) -> Path:
    path.write_bytes(model.SerializeToString())
    return beside(path, text)


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def loaded(path: Path) -> LoadedModel:
    """Load a model and see that the float network says of every picture what the model's own framework says."""
    source = load(path)
    pixels = source.spec.scaling.apply(pictures(40))
    given = source.run(pixels)
    assert given.shape == (40, len(LABELS))
    assert np.abs(FloatNetwork(serialize(source.network)).run(pixels) - given).max() < 1e-5
    return source


def folded(source: LoadedModel, *, probabilities: bool = False) -> NDArray[np.float32]:
    """Give the probabilities of the network of gray levels."""
    network = fold(source.network, source.spec.scaling, ORDER, probabilities=probabilities)
    return softmax(float_runtime.logits(network, pictures()))


@pytest.fixture(scope="module", params=[1, 3], ids=["gray", "colour"])
def weights(request: pytest.FixtureRequest) -> small.Weights:
    return small.weights(request.param)


@pytest.mark.parametrize(
    ("write", "name"), [(saved, "tiny.keras"), (saved, "tiny.h5"), (exported, "tiny")], ids=["keras", "h5", "saved"]
)
def test_a_model_is_loaded_as_it_is(
    write: Callable[[keras.Model, Path], Path], name: str, weights: small.Weights, tmp_path: Path
) -> None:
    model = small.as_keras(weights, softmax=True)
    source = loaded(write(model, tmp_path / name))
    assert (source.spec.width, source.spec.height) == (SIZE, SIZE)
    assert source.spec.channels == weights.kernel.shape[2]
    pixels = source.spec.scaling.apply(pictures())
    assert np.abs(source.run(pixels) - np.asarray(model(pixels))).max() < 1e-6


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize(
    ("library", "name"), [(keras, "half.keras"), (keras, "half.h5"), (tf_keras, "half.h5")], ids=["keras", "h5", "old"]
)
def test_a_model_of_mixed_precision_is_converted_in_float32(library: Any, name: str, tmp_path: Path) -> None:
    layers = library.layers
    library.mixed_precision.set_global_policy("mixed_float16")
    try:
        inputs = library.Input((SIZE, SIZE, 1))
        within = library.Sequential([layers.Conv2D(8, 3, activation="relu"), layers.BatchNormalization()])
        mean = layers.GlobalAveragePooling2D()(within(layers.Rescaling(2.0)(inputs)))
        model = library.Model(inputs, layers.Dense(len(LABELS), dtype="float32")(mean))
    finally:
        library.mixed_precision.set_global_policy("float32")
    path = beside(tmp_path / name)
    model.save(path)
    source = loaded(path)
    assert "float16" not in {tensor.type for tensor in source.network.tensors}
    halves = np.asarray(model(source.spec.scaling.apply(pictures())))
    assert np.abs(source.run(source.spec.scaling.apply(pictures())) - halves).max() < 0.02


def test_a_sequential_model_has_an_output_without_a_name(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((SIZE, SIZE, 1)), L.GlobalAveragePooling2D(), L.Dense(len(LABELS))])
    loaded(saved(model, tmp_path / "tiny.keras"))


GRAY, COLOUR = small.weights(1), small.weights(3)


@pytest.fixture(scope="session")
def onnx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx2tf")
    return tmp_path_factory.mktemp("onnx")


@pytest.fixture(scope="session")
def first_channels(onnx_folder: Path) -> LoadedModel:
    """One of gray levels, channels first, logits, every size open, another output beside."""
    model = small.as_onnx(GRAY, ["N", 1, "H", "W"], outputs=("mean", "answer"))
    return load(written(model, onnx_folder / "first.onnx", CHOSEN + SIZED))


@pytest.fixture(scope="session")
def last_channels(onnx_folder: Path) -> LoadedModel:
    """One of colour, channels last, probabilities, every size said."""
    model = small.as_onnx(COLOUR, [1, SIZE, SIZE, 3], softmax=True, channels_last=True)
    return load(written(model, onnx_folder / "last.onnx"))


def test_an_onnx_model_is_loaded_as_it_is(first_channels: LoadedModel, last_channels: LoadedModel) -> None:
    for source, channels in ((first_channels, 1), (last_channels, 3)):
        assert (source.spec.width, source.spec.height, source.spec.channels) == (SIZE, SIZE, channels)
        pixels = source.spec.scaling.apply(pictures())
        assert np.abs(FloatNetwork(serialize(source.network)).run(pixels) - source.run(pixels)).max() < 1e-5


def test_a_network_says_the_same_as_keras_and_as_onnx(
    first_channels: LoadedModel, last_channels: LoadedModel, tmp_path: Path
) -> None:
    gray = load(saved(small.as_keras(GRAY), tmp_path / "gray.keras"))
    assert np.abs(folded(gray) - folded(first_channels)).max() < 1e-3
    colour = load(exported(small.as_keras(COLOUR, softmax=True), tmp_path / "colour"))
    assert np.abs(folded(colour, probabilities=True) - folded(last_channels, probabilities=True)).max() < 1e-3


def two_outputs(together: Callable[[Any, Any], Any]) -> keras.Model:
    inputs = keras.Input((SIZE, SIZE, 1))
    mean = L.GlobalAveragePooling2D()(L.Conv2D(8, 3, activation="relu")(inputs))
    return keras.Model(inputs, together(L.Dense(1, name="age")(mean), L.Dense(len(LABELS), name="answer")(mean)))


@pytest.mark.parametrize(
    "together",
    [lambda age, answer: [age, answer], lambda age, answer: {"a": answer, "z": age}],
    ids=["list", "dictionary"],
)
def test_one_of_several_outputs_is_chosen_by_name(together: Callable[[Any, Any], Any], tmp_path: Path) -> None:
    model = two_outputs(together)
    path = saved(model, tmp_path / "tiny.keras")
    said = refusal(path)
    assert "output: the name of the output" in said
    assert "age" in said
    assert "answer" in said
    source = loaded(saved(model, path, CHOSEN + small.SIDECAR))
    pixels = source.spec.scaling.apply(pictures())
    wanted = keras.Model(model.inputs[0], model.get_layer("answer").output)(pixels)
    assert np.abs(source.run(pixels) - np.asarray(wanted)).max() < 1e-6


def test_one_of_several_outputs_of_a_signature_is_chosen_by_name(tmp_path: Path) -> None:
    path = exported(two_outputs(lambda age, answer: {"answer": answer, "age": age}), tmp_path / "tiny")
    assert "(age, answer)" in refusal(path)
    loaded(beside(path, CHOSEN + small.SIDECAR))


def test_an_output_that_is_a_picture_of_one_pixel_is_a_row(tmp_path: Path) -> None:
    model = small.chain(L.Conv2D(8, 3), L.GlobalAveragePooling2D(keepdims=True), L.Conv2D(len(LABELS), 1))
    loaded(saved(model, tmp_path / "tiny.keras"))


@pytest.mark.parametrize("write", [saved, exported], ids=["keras", "saved"])
def test_a_model_of_one_picture_at_a_time_gets_one_at_a_time(
    write: Callable[[keras.Model, Path, str], Path], tmp_path: Path
) -> None:
    inputs = keras.Input(batch_shape=(1, SIZE, SIZE, 1))
    answer = L.Dense(len(LABELS))(L.GlobalAveragePooling2D()(inputs))
    model = keras.Model(inputs, keras.ops.reshape(answer, (1, len(LABELS))))
    loaded(write(model, tmp_path / ("tiny.keras" if write is saved else "tiny"), small.SIDECAR))


@pytest.mark.parametrize("write", [saved, exported], ids=["keras", "saved"])
def test_an_open_size_is_asked_for(write: Callable[[keras.Model, Path, str], Path], tmp_path: Path) -> None:
    path = tmp_path / ("tiny.keras" if write is saved else "tiny")
    write(small.as_keras(GRAY, size=None), path, small.SIDECAR)
    assert "input.size: width and height of a face in pixels" in refusal(path)
    assert loaded(beside(path, SIZED)).spec.width == SIZE


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


def test_what_onnx2tf_lacks_is_named(onnx_folder: Path) -> None:
    model = small.as_onnx(GRAY, [1, 1, SIZE, SIZE])
    model.graph.node[1].op_type, model.graph.node[1].name = "Det", "strange"
    said = refusal(written(model, onnx_folder / "odd.onnx"))
    assert "onnx2tf cannot convert it" in said
    assert said.endswith("at strange")
    assert "\n" not in said


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
