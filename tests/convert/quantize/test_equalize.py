"""Channels are made equally large where weights can undo it, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from convert import float_runtime
from convert.graph import serialize
from convert.quantize.activations import observe, signal_to_noise
from convert.quantize.equalize import equalize
from convert.quantize.int8 import quantize
from convert.quantize.methods import quantize_by_each_method
from convert.quantize.ranges import choose_ranges
from edge.inference.outputs import OutputLabels, softmax
from tests.convert.small import LABELS, SIZE, chain, classifier, draw, kinds, of_gray_levels, pictures, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from convert.graph import Graph

L = keras.layers
FACTOR = 3000.0


@pytest.fixture(autouse=True)
def _weights_of_its_own() -> None:
    """Each test has the same random weights whatever ran before it."""
    keras.utils.set_random_seed(1)


def gray(model: keras.Model) -> Graph:
    """Fold a network that takes gray levels, its answers spread."""
    return of_gray_levels(spread(model, pictures()[..., None].astype(np.float32)))


def equalized(reference: Graph) -> tuple[Graph, int]:
    """Equalise a network and see that it says the same as before."""
    content, count = equalize(reference, observe(reference, pictures()))
    wanted, given = (softmax(float_runtime.logits(network, pictures())) for network in (reference, content))
    assert np.abs(given - wanted).max() < 1e-5
    return content, count


def assert_left_alone(reference: Graph) -> None:
    same, count = equalize(reference, observe(reference, pictures()))
    assert (serialize(same), count) == (serialize(reference), 0)


def made_uneven(model: keras.Model, maker: str, reader: str) -> keras.Model:
    """Let one channel be far larger than the others where it is made, and read it by weights that undo it."""
    made, read = model.get_layer(maker), model.get_layer(reader)
    kernel, bias = made.get_weights()
    channel = kernel[:, :, 0] if isinstance(made, L.DepthwiseConv2D) else kernel[..., 0]
    channel *= FACTOR
    bias[0] *= FACTOR
    made.set_weights([kernel, bias])
    kernel, *rest = read.get_weights()
    kernel[..., 0, :] /= FACTOR
    read.set_weights([kernel, *rest])
    return model


BETWEEN: dict[str, Callable[[], list[Any]]] = {
    "CONV_2D": lambda: [L.ReLU(), L.Conv2D(8, 3, name="reader")],
    "PRELU": lambda: [L.PReLU(shared_axes=[1, 2], alpha_initializer="random_uniform"), L.Conv2D(8, 3, name="reader")],
    "LEAKY_RELU": lambda: [L.LeakyReLU(0.1), L.Conv2D(8, 3, name="reader")],
    "DEPTHWISE_CONV_2D": lambda: [L.ReLU(), L.DepthwiseConv2D(3, name="reader"), L.ReLU()],
    "MAX_POOL_2D": lambda: [L.ReLU(), L.MaxPooling2D(2), L.Conv2D(8, 3, name="reader")],
    "AVERAGE_POOL_2D": lambda: [L.AveragePooling2D(2), L.Conv2D(8, 3, name="reader")],
    "PAD": lambda: [L.ReLU(), L.ZeroPadding2D(1), L.Conv2D(8, 3, strides=2, name="reader")],
    "FULLY_CONNECTED": lambda: [L.GlobalAveragePooling2D(), L.Dense(8, name="reader"), L.Reshape((1, 1, 8))],
}
"""What may lie behind a convolution: a reader, and what keeps factors on the way to it."""


def decibels(reference: Graph) -> float:
    """Quantise a network and return the decibels of its logits."""
    quantised = quantize(Path("small"), reference, choose_ranges(observe(reference, pictures()), "min-max"))
    return signal_to_noise(reference, quantised, pictures())["logits"]


def assert_undone(*layers: Any) -> None:
    """See that int8 comes out as well as if no channel had ever been larger."""
    model = classifier(*layers)
    even = decibels(gray(model))
    uneven = gray(made_uneven(model, "maker", "reader"))
    content, _ = equalized(uneven)
    assert decibels(content) > decibels(uneven) + 20
    assert decibels(content) > even - 3


@pytest.mark.parametrize("between", BETWEEN)
def test_an_outlier_that_weights_can_undo_is_undone(between: str) -> None:
    layers = [L.Conv2D(8, 3, name="maker"), *BETWEEN[between]()]
    assert between in kinds(of_gray_levels(classifier(*layers)))[1:]
    assert_undone(*layers)


def test_a_depthwise_convolution_can_make_it_too() -> None:
    layers = [L.DepthwiseConv2D(3, name="maker"), L.ReLU(), L.Conv2D(8, 3, name="reader")]
    assert_undone(L.Conv2D(8, 3), L.ReLU(6), *layers)


def test_a_dense_layer_can_make_it_too() -> None:
    model = classifier(L.Conv2D(8, 3), L.ReLU(6), L.GlobalAveragePooling2D(), L.Dense(8, name="maker"), L.ReLU(),
                       L.Dense(8, name="reader"), L.Reshape((1, 1, 8)))  # fmt: skip
    kernel, bias = model.get_layer("maker").get_weights()
    model.get_layer("maker").set_weights([np.abs(kernel), np.abs(bias)])  # every unit is on for some picture
    even, uneven = decibels(gray(model)), gray(made_uneven(model, "maker", "reader"))
    assert decibels(equalized(uneven)[0]) > max(decibels(uneven) + 20, even - 3)


def test_weights_that_read_a_channel_that_is_always_0_take_no_levels_from_the_others() -> None:
    model = classifier(L.Conv2D(8, 3, activation="relu", name="maker"), L.Conv2D(8, 3, name="reader"))
    kernel, bias = model.get_layer("maker").get_weights()
    model.get_layer("maker").set_weights([kernel, np.where(np.arange(8) == 0, -FACTOR, bias)])
    weights, *rest = model.get_layer("reader").get_weights()
    model.get_layer("reader").set_weights([weights * np.where(np.arange(8) == 0, FACTOR, 1)[:, None], *rest])
    reference = gray(model)
    assert decibels(equalized(reference)[0]) > decibels(reference) + 20


def test_a_channel_that_prelu_makes_small_takes_no_levels_from_the_others_before_it() -> None:
    model = classifier(L.Conv2D(8, 3, name="maker"), L.PReLU(shared_axes=[1, 2], name="slopes"), L.Conv2D(8, 3))
    kernel, bias = model.get_layer("maker").get_weights()
    below = np.arange(8) == 0
    model.get_layer("maker").set_weights([np.where(below, -np.abs(kernel), kernel), np.where(below, -0.1, bias)])
    model.get_layer("slopes").set_weights([np.where(below, 1 / FACTOR, 0.1).reshape(1, 1, 8)])
    reference = gray(model)
    assert decibels(equalized(reference)[0]) > decibels(reference) - 3


@pytest.mark.parametrize(("activation", "expected"), [("relu", [False, True, True]), ("relu6", [False, False])])
def test_only_what_was_equalised_is_called_so(activation: str, expected: list[bool]) -> None:
    network = gray(classifier(L.Conv2D(8, 3, activation=activation), L.Conv2D(8, 3, activation=activation)))
    reference: Any = SimpleNamespace(network=network, outputs=OutputLabels(LABELS))
    found = quantize_by_each_method(Path("small"), reference, pictures(), lambda _, __: lambda _: None)
    assert [each.method.equalized for each in found if each.method.ranges == "mse"] == expected


def test_a_chain_is_equalised_at_every_link() -> None:
    layers = [L.Conv2D(8, 3, activation="relu", padding="same") for _ in range(3)]
    _, count = equalized(gray(classifier(*layers)))
    assert count == 3  # the last one's reader is the dense layer


@pytest.mark.parametrize(
    ("maker", "between"),
    [("relu6", []), (None, [L.AveragePooling2D(2), L.ReLU(6)]), (None, [L.MaxPooling2D(2), L.ReLU(6)])],
    ids=["itself", "average", "maximum"],
)
def test_what_limits_an_activation_is_left_alone(maker: str | None, between: list[Any]) -> None:
    first, second = L.Conv2D(8, 3, activation=maker, name="maker"), L.Conv2D(8, 3, name="reader")
    reference = gray(made_uneven(classifier(first, *between, second, L.Softmax()), "maker", "reader"))
    assert "RELU6" not in kinds(reference)  # it is within the operator
    assert_left_alone(reference)


def test_what_is_added_elsewhere_too_is_left_alone() -> None:
    inputs = keras.Input((SIZE, SIZE, 1))
    seen = L.Conv2D(8, 3, activation="relu")(inputs)
    joined = L.ReLU(6)(L.Add()([seen, L.Conv2D(8, 3, padding="same", activation="relu6")(seen)]))
    reference = gray(draw(keras.Model(inputs, L.Dense(len(LABELS))(L.GlobalAveragePooling2D()(joined)))))
    assert "ADD" in kinds(reference)
    assert_left_alone(reference)


def test_an_average_over_channels_is_no_average_of_each() -> None:
    stem = [L.Conv2D(8, 3, padding="same", activation="relu"), L.MaxPooling2D(4)]
    over_channels = L.Lambda(lambda pixels: keras.ops.mean(pixels, (2, 3)))  # 8 rows, as many as channels
    reference = gray(chain(*stem, over_channels, L.Dense(len(LABELS))))
    assert_left_alone(reference)


def test_two_readers_take_the_same_factors() -> None:
    inputs = keras.Input((SIZE, SIZE, 1))
    seen = L.Conv2D(8, 3, activation="relu", name="maker")(inputs)
    ways = [L.Conv2D(4, 3, padding="same", activation="relu6")(seen), L.DepthwiseConv2D(3, padding="same")(seen)]
    answer = L.Dense(len(LABELS))(L.GlobalAveragePooling2D()(L.Concatenate()(ways)))
    _, count = equalized(gray(draw(keras.Model(inputs, answer))))
    assert count == 1


def test_a_convolution_that_works_twice_is_divided_only_where_its_reader_undoes_it() -> None:
    inputs = keras.Input((SIZE, SIZE, 1))
    shared = L.Conv2D(8, 3, activation="relu")
    far = L.Conv2D(4, 3, activation="relu6")(shared(inputs))
    near = L.Conv2D(4, 3, activation="relu6")(shared(L.MaxPooling2D(2)(inputs)))
    means = [L.GlobalAveragePooling2D()(way) for way in (far, near)]
    _, count = equalized(gray(draw(keras.Model(inputs, L.Dense(len(LABELS))(L.Concatenate()(means))))))
    assert count == 3  # it twice, and what stands before both


def test_a_convolution_that_reads_itself_is_equalised_by_two_kernels() -> None:
    shared = L.Conv2D(8, 3, activation="relu")
    _, count = equalized(gray(classifier(L.Conv2D(8, 3, activation="relu"), shared, shared)))
    assert count == 3
