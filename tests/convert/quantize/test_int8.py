"""The range of each activation, by each method, and what a quantised network still says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import keras
import numpy as np
import pytest

from convert import float_runtime, int8_runtime
from convert.fold import PADDED, fold
from convert.graph import serialize
from convert.inspection import summarize
from convert.quantize.activations import Activation, observe, signal_to_noise
from convert.quantize.int8 import quantize
from convert.quantize.ranges import RangeMethod, choose_ranges
from convert.scaling import Scaling
from edge.inference.runtime import Network, installed
from tests.convert.small import LABELS, ORDER, SIZE, as_graph, classifier, pictures, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from convert.graph import Graph
    from edge.inference.runtime import Runtime

L = keras.layers
METHODS: tuple[RangeMethod, ...] = get_args(RangeMethod)

LOGITS = np.array([-3.0, 5.0])


def chosen(values: NDArray[np.float64], method: RangeMethod) -> tuple[float, float]:
    """Choose the range of one activation that held these values."""

    def held(values: NDArray[np.float64]) -> Activation:
        return Activation(float(values.min()), float(values.max()), values.astype(np.float32), np.zeros(1, np.float32))

    return choose_ranges({"layer": held(values), "logits": held(LOGITS)}, method)["layer"]


def uniform(low: float, high: float, count: int = 100_000) -> NDArray[np.float64]:
    return np.random.default_rng(1).permutation(np.linspace(low, high, count))


def test_min_max_takes_all_of_it() -> None:
    assert chosen(np.array([-2.0, 0.5, 1000.0]), "min-max") == (-2, 1000)


def test_percentile_leaves_a_few_values_out_on_each_side() -> None:
    values = uniform(-1, 1)
    values[:2] = -500, 1000
    low, high = chosen(values, "percentile")
    assert [low, high] == pytest.approx([-1, 1], abs=0.01)
    assert chosen(values, "min-max") == (-500, 1000)


def test_least_error_clips_a_heavy_tail_on_its_side_alone() -> None:
    tail = np.abs(np.random.default_rng(1).standard_t(3, 100_000))
    low, high = chosen(np.concatenate([tail, uniform(-5, 0)]), "mse")
    assert 0.05 * tail.max() <= high < 0.9 * tail.max()
    assert low == pytest.approx(-5, rel=0.1)


def test_least_error_clips_nothing_of_what_is_even() -> None:
    assert chosen(uniform(-1, 3), "mse") == (-1, 3)


@pytest.mark.parametrize("method", METHODS)
def test_zero_is_within(method: RangeMethod) -> None:
    assert chosen(uniform(2, 3), method)[0] == 0
    assert chosen(uniform(-3, -2), method)[1] == 0
    assert chosen(np.zeros(100), method) == (0, 0)


@pytest.mark.parametrize("method", METHODS)
def test_logits_and_pixels_are_never_clipped(method: RangeMethod) -> None:
    tail = np.random.default_rng(1).standard_t(3, 100_000).astype(np.float32)
    held = Activation(float(tail.min()), float(tail.max()), tail, np.zeros(1, np.float32))
    found = choose_ranges({"logits": held}, method)
    assert found["logits"] == (held.low, held.high)
    assert found["pixels"] == found[PADDED] == (0, 255)


IMAGENET = Scaling(range=(0, 1), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
SIGNED = Scaling(range=(-1, 1), mean=(0,), std=(1,))


@pytest.fixture(scope="module", params=[SIGNED, IMAGENET], ids=["border of gray", "border in a channel"])
def reference(request: pytest.FixtureRequest) -> Graph:
    layers = [L.Conv2D(8, 3, padding="same", activation="relu"), L.Conv2D(8, 3, strides=2, activation="relu6")]
    model = classifier(*layers, channels=len(request.param.mean))
    return fold(as_graph(spread(model, request.param.apply(pictures()))), request.param, ORDER, probabilities=False)


@pytest.mark.parametrize("method", METHODS)
def test_int8_answers_as_float_does(method: RangeMethod, reference: Graph) -> None:
    faces = pictures(200)
    quantised = quantize(Path("small"), reference, choose_ranges(observe(reference, faces[:50]), method))
    wanted, given = (
        float_runtime.logits(reference, faces),
        Network(serialize(quantised), "litert").logits(faces).columns,
    )
    assert (wanted.argmax(axis=1) == given.argmax(axis=1)).mean() >= 0.97
    assert signal_to_noise(reference, quantised, faces[:50])["logits"] > 20


def dead(layer: keras.layers.Layer, given: keras.KerasTensor) -> keras.KerasTensor:
    """Return a layer's answers, which a ReLU makes 0 for every picture."""
    answers = layer(given)
    kernel, bias = layer.get_weights()
    layer.set_weights([-np.abs(kernel), bias - 100])
    return answers


def squeezed(seen: keras.KerasTensor) -> keras.KerasTensor:
    few = dead(L.Dense(3, activation="relu"), L.GlobalAveragePooling2D()(seen))
    return L.Multiply()([seen, L.Reshape((1, 1, 8))(L.Dense(8, activation="sigmoid")(few))])


def squeezed_by_convolution(seen: keras.KerasTensor) -> keras.KerasTensor:
    few = dead(L.Conv2D(3, 1, activation="relu"), L.GlobalAveragePooling2D(keepdims=True)(seen))
    return L.Multiply()([seen, L.Conv2D(8, 1, activation="sigmoid")(few)])


def added(seen: keras.KerasTensor) -> keras.KerasTensor:
    nothing = dead(L.Conv2D(8, 3, padding="same", activation="relu"), seen)
    return L.Add()([seen, L.MaxPooling2D(3, 1, "same")(L.Multiply()([nothing, seen]))])


@pytest.mark.parametrize("runtime", sorted(installed()))
@pytest.mark.parametrize("branch", [squeezed, squeezed_by_convolution, added])
def test_a_layer_that_is_0_for_every_face_stops_no_runtime(
    branch: Callable[[keras.KerasTensor], keras.KerasTensor], runtime: Runtime
) -> None:
    inputs = keras.Input((SIZE, SIZE, 1))
    seen = branch(L.Conv2D(8, 3, activation="relu", name="seen")(inputs))
    model = keras.Model(inputs, L.Dense(len(LABELS))(L.GlobalAveragePooling2D()(seen)))
    reference = fold(as_graph(spread(model, SIGNED.apply(pictures()))), SIGNED, ORDER, probabilities=False)
    found = choose_ranges(observe(reference, pictures()), "min-max")
    assert (0, 0) in found.values()
    content = serialize(quantize(Path("small"), reference, found))
    wanted, given = float_runtime.logits(reference, pictures()), int8_runtime.logits(content, runtime, pictures())
    assert np.abs(wanted - given.columns).mean() < 0.1


def test_every_tensor_is_an_integer_and_the_output_has_its_name(reference: Graph) -> None:
    quantised = quantize(Path("small"), reference, choose_ranges(observe(reference, pictures()), "min-max"))
    summary = summarize(quantised)
    assert summary.float_tensors == ()
    assert (summary.output_names, summary.output_shapes) == (("logits",), ((1, len(LABELS)),))
    assert len(serialize(quantised)) < len(serialize(reference))


def test_equal_networks_and_ranges_give_equal_bytes(reference: Graph) -> None:
    found = choose_ranges(observe(reference, pictures()), "mse")
    assert found == choose_ranges(observe(reference, pictures()), "mse")
    first, second = (serialize(quantize(Path("small"), reference, found)) for _ in range(2))
    assert first == second
