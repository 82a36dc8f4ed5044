"""A model in any format becomes the float network that its own framework runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tf_keras

from convert import float_runtime
from convert.float_runtime import FloatNetwork
from convert.fold import fold
from convert.graph import serialize
from convert.load import LoadedModel, load, onnx_file
from convert.load.export import tf
from convert.spec import complete
from edge.inference.outputs import softmax
from tests.convert import small
from tests.convert.loading import CHOSEN, SIZED, beside, exported, loaded, refusal, saved, written
from tests.convert.small import LABELS, ORDER, SIZE, pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

L = keras.layers


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


def test_a_fixed_batch_of_an_onnx_model_is_filled(onnx_folder: Path) -> None:
    loaded(written(small.as_onnx(GRAY, [8, 1, SIZE, SIZE]), onnx_folder / "eight.onnx"))


def test_the_model_that_runs_for_comparison_is_the_file_as_it_came(
    onnx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(small.as_onnx(GRAY, ["N", 1, SIZE, SIZE]), onnx_folder / "came.onnx")
    other = small.as_onnx(replace(GRAY, dense=-GRAY.dense), [1, 1, SIZE, SIZE])
    monkeypatch.setattr("onnxsim.simplify", lambda *_, **__: (other, True))
    opened = onnx_file.open_model(path)
    spec = complete(path, opened.facts)
    built, pixels = opened.build(spec), spec.scaling.apply(pictures())
    assert np.abs(built.run(pixels) - np.asarray(small.as_keras(GRAY)(pixels))).max() < 1e-5
    assert np.abs(built.run(pixels) - FloatNetwork(built.content).run(pixels)).max() > 1
    assert not built.simplified


def test_where_only_what_onnxsim_leaves_of_it_runs_the_model_says_so(onnx_folder: Path) -> None:
    from onnx import TensorProto, helper  # noqa: PLC0415  # not installed with every Python

    model = small.as_onnx(GRAY, ["N", 1, SIZE, SIZE], outputs=("mean", "answer"))
    model.graph.node.append(helper.make_node("Unknown", ["mean"], ["more"], domain="other"))
    model.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["N", 8]))
    model.opset_import.append(helper.make_opsetid("other", 1))
    assert loaded(written(model, onnx_folder / "unknown.onnx", CHOSEN + small.SIDECAR)).simplified


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
@pytest.mark.parametrize("channels", [1, 3], ids=["gray", "colour"])
def test_channels_may_come_first(
    write: Callable[[keras.Model, Path, str], Path], channels: int, tmp_path: Path
) -> None:
    inside = small.as_keras(GRAY if channels == 1 else COLOUR)
    inputs = keras.Input((channels, SIZE, SIZE))
    model = keras.Model(inputs, inside(L.Permute((2, 3, 1))(inputs)))
    source = loaded(write(model, tmp_path / ("tiny.keras" if write is saved else "tiny"), small.SIDECAR))
    assert (source.spec.width, source.spec.height, source.spec.channels) == (SIZE, SIZE, channels)
    pixels = source.spec.scaling.apply(pictures())
    assert np.abs(source.run(pixels) - np.asarray(inside(pixels))).max() < 1e-5
    assert folded(source).shape == (12, len(LABELS))


@pytest.mark.parametrize("computed", [False, True], ids=["said", "computed"])
def test_a_signature_of_a_fixed_batch_gets_as_many_pictures(*, computed: bool, tmp_path: Path) -> None:
    inside = small.as_keras(GRAY)

    class Fixed(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec((16, SIZE, SIZE, 1), tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, pixels: Any) -> Any:
            return tf.reshape(inside(pixels), (16, len(LABELS))) if computed else inside(pixels)

    fixed = Fixed()
    fixed.inside = inside
    tf.saved_model.save(fixed, str(tmp_path / "fixed"), signatures=fixed.__call__)
    source = loaded(beside(tmp_path / "fixed"))  # with 40 pictures, of which eight are left for the last batch
    pixels = source.spec.scaling.apply(pictures())
    assert np.abs(source.run(pixels) - np.asarray(inside(pixels))).max() < 1e-5
    assert small.kinds(source.network).count("CONV_2D") == 1
    assert ("CONCATENATION" in small.kinds(source.network)) == computed


def test_a_keras_model_of_a_fixed_batch_gets_as_many_pictures(tmp_path: Path) -> None:
    inputs = keras.Input(batch_shape=(16, SIZE, SIZE, 1))
    answer = small.as_keras(GRAY)(inputs)
    loaded(saved(keras.Model(inputs, keras.ops.reshape(answer, (16, len(LABELS)))), tmp_path / "tiny.keras"))


@pytest.mark.parametrize("write", [saved, exported], ids=["keras", "saved"])
def test_an_open_size_is_asked_for(write: Callable[[keras.Model, Path, str], Path], tmp_path: Path) -> None:
    path = tmp_path / ("tiny.keras" if write is saved else "tiny")
    write(small.as_keras(GRAY, size=None), path, small.SIDECAR)
    assert "input.size: width and height of a face in pixels" in refusal(path)
    assert loaded(beside(path, SIZED)).spec.width == SIZE
