"""Batch normalisation behind an activation function goes into weights, wherever that computes the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from convert import float_runtime
from convert.fold.normalisation import fold_normalisation
from convert.quantize.activations import observe, signal_to_noise
from convert.quantize.int8 import quantize
from convert.quantize.ranges import choose_ranges
from tests.convert.small import LABELS, SIZE, as_graph, classifier, draw, kinds, of_gray_levels, pictures, spread

L = keras.layers


def learned(model: keras.Model, *, negative: bool = False, dead: bool = False) -> keras.Model:
    """Draw the means, variances and factors of each batch normalisation, about as large as after training.

    Args:
        model: The network.
        negative: Whether one factor is below zero.
        dead: Whether one channel hardly varies, so that its factor is twenty times as large as the others.
    """
    random = np.random.default_rng(7)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            gamma, beta, mean, variance = (part.shape for part in layer.get_weights())
            values = [random.uniform(0.5, 1.5, gamma), random.normal(0, 1, beta), random.uniform(0, 2, mean)]
            spreads = random.uniform(0.5, 4, variance)
            values[0][1] *= -1 if negative else 1
            spreads[2] = 1e-6 if dead else spreads[2]
            layer.set_weights([*values, spreads])
    return spread(model, pictures()[..., None].astype(np.float32))


def assert_same(model: keras.Model, *gone: str, left: tuple[str, ...] = ()) -> None:
    """See that a network computes the same without some operators, and that others are still there."""
    before, after = as_graph(model), of_gray_levels(model)
    assert set(gone) <= set(kinds(before))
    assert not set(gone) & set(kinds(after))
    assert set(left) <= set(kinds(after))
    wanted, given = (float_runtime.logits(network, pictures()) for network in (before, after))
    assert np.abs(given - wanted).max() < 1e-4


def block(width: int = 8, **options: Any) -> list[keras.layers.Layer]:
    """Return a convolution, ReLU and then batch normalisation, as many networks for expressions have them."""
    return [L.Conv2D(width, 3, activation="relu", **options), L.BatchNormalization()]


BEHIND: dict[str, list[keras.layers.Layer]] = {
    "convolution": [L.Conv2D(8, 3)],
    "strides": [L.Conv2D(8, 3, strides=2)],
    "dilation": [L.Conv2D(8, 3, dilation_rate=2)],
    "depthwise": [L.DepthwiseConv2D(3, depth_multiplier=2), L.ReLU(6)],
    "maximum": [L.MaxPooling2D(2), L.Conv2D(8, 3)],
    "padded maximum": [L.MaxPooling2D(3, strides=2, padding="same"), L.Conv2D(8, 3)],
    "average": [L.AveragePooling2D(2), L.Conv2D(8, 3)],
    "padded average": [L.AveragePooling2D(3, strides=2, padding="same"), L.Conv2D(8, 3)],
    "dropout": [L.Dropout(0.5), L.Conv2D(8, 3)],
    "mean": [L.GlobalAveragePooling2D(), L.Dense(8, activation="relu"), L.Reshape((1, 1, 8))],
    "flattened": [L.MaxPooling2D(4), L.Flatten(), L.Dense(8, activation="relu"), L.Reshape((1, 1, 8))],
}


@pytest.mark.parametrize("behind", BEHIND)
def test_it_goes_into_the_weights_around_it(behind: str) -> None:
    assert_same(learned(classifier(*block(), *BEHIND[behind])), "MUL", "ADD")


MAKERS: dict[str, list[keras.layers.Layer]] = {
    "depthwise": [L.DepthwiseConv2D(3, depth_multiplier=8, activation="relu")],
    "PReLU": [L.Conv2D(8, 3), L.PReLU(shared_axes=[1, 2], alpha_initializer="random_uniform")],
    "leaky": [L.Conv2D(8, 3), L.LeakyReLU(0.1)],
    "pooled": [L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D(2)],
    "without biases": [L.Conv2D(8, 3, activation="relu", use_bias=False)],
}


@pytest.mark.parametrize("maker", MAKERS)
def test_its_factors_go_into_whatever_makes_the_channels(maker: str) -> None:
    model = classifier(*MAKERS[maker], L.BatchNormalization(), L.Conv2D(8, 3, use_bias=False), L.ReLU(6))
    assert_same(learned(model), "MUL", "ADD")


def test_a_dense_layer_can_make_them_too() -> None:
    dense = [L.GlobalAveragePooling2D(), L.Dense(8, activation="relu"), L.Reshape((1, 1, 8)), L.BatchNormalization()]
    assert_same(learned(classifier(L.Conv2D(4, 3), *dense, L.Conv2D(8, 1))), "ADD")


def test_where_the_convolution_behind_sees_zeros_around_the_picture_the_sum_stays() -> None:
    assert_same(learned(classifier(*block(), L.Conv2D(8, 3, padding="same"))), "MUL", left=("ADD",))


def test_the_sign_of_a_negative_factor_stays() -> None:
    model = learned(classifier(*block(), L.MaxPooling2D(2), L.Conv2D(8, 3)), negative=True)
    assert_same(model, "ADD", left=("MUL",))
    product = next(operator for operator in of_gray_levels(model).operators if operator.kind == "MUL")
    (factors,) = (tensor.values for tensor in product.read if tensor.values is not None)
    assert sorted(factors.tolist()) == [-1, *[1] * 7]


@pytest.mark.parametrize("limit", [L.ReLU(6), L.Activation("sigmoid"), L.Activation("silu")])
def test_an_activation_function_that_keeps_no_factors_stays(limit: keras.layers.Layer) -> None:
    model = learned(classifier(L.Conv2D(8, 3), limit, L.BatchNormalization(), L.Conv2D(8, 3)))
    assert_same(model, "ADD", left=("MUL",))


def test_what_something_else_reads_too_stays() -> None:
    pixels = keras.Input((SIZE, SIZE, 1))
    seen = L.Conv2D(8, 3, padding="same", activation="relu")(pixels)
    normal = L.BatchNormalization()(seen)
    joined = L.Concatenate()([L.Conv2D(4, 1)(normal), L.Conv2D(4, 1)(L.ReLU()(normal)), seen])
    answer = L.Dense(len(LABELS))(L.GlobalAveragePooling2D()(joined))
    model = learned(draw(keras.Model(pixels, answer)))
    assert_same(model, left=("MUL", "ADD"))


def test_behind_channels_of_zeros_it_stays() -> None:
    amounts = [[0, 0], [0, 0], [0, 0], [0, 4]]
    wider = L.Lambda(lambda pixels: keras.ops.pad(pixels, amounts), output_shape=(SIZE, SIZE, 8))
    layers = [L.Conv2D(4, 3, padding="same"), wider, L.BatchNormalization(), L.ReLU(6), L.Conv2D(4, 3)]
    assert_same(learned(classifier(*layers)), left=("PAD", "MUL"))


def test_a_number_for_each_column_is_none_for_each_channel() -> None:
    graph = as_graph(learned(classifier(*block(), L.Conv2D(8, 3))))
    product = next(operator for operator in graph.operators if operator.kind == "MUL")
    place = next(place for place, tensor in enumerate(product.read) if tensor.values is not None)
    graph.set_input(product, place, np.ones((SIZE - 2, 1), np.float32))
    fold_normalisation(graph)
    assert "MUL" in kinds(graph)


def test_a_channel_that_hardly_varies_takes_no_levels_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    model = learned(classifier(*block(), *block(), *block()), dead=True)
    folded = of_gray_levels(model)
    monkeypatch.setattr("convert.fold.fold_normalisation", lambda _: None)
    signals = []
    for network in (of_gray_levels(model), folded):
        quantised = quantize(Path("small"), network, choose_ranges(observe(network, pictures()), "min-max"))
        signals.append(signal_to_noise(network, quantised, pictures())["logits"])
    assert signals[1] > signals[0] + 6  # decibels
