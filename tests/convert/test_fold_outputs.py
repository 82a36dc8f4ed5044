"""A folded network's answers: logits, in the labels' order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from convert import float_runtime
from convert.fold import fold
from edge.inference.outputs import softmax
from tests.convert.folded import UNIT, compared, judged
from tests.convert.small import LABELS, ORDER, SIZE, as_graph, chain, draw, kinds, pictures, spread

if TYPE_CHECKING:
    from collections.abc import Callable

L = keras.layers


def two_heads(end: Callable[[Any, Any], Any]) -> keras.Model:
    """Return a network of two classifiers whose answers are joined."""
    inputs = keras.Input((SIZE, SIZE, 1))
    mean = L.GlobalAveragePooling2D()(L.Conv2D(8, 3, activation="relu")(inputs))
    return draw(keras.Model(inputs, end(L.Dense(len(LABELS))(mean), L.Dense(len(LABELS))(mean))))


def ending(*layers: Any, keepdims: bool = False) -> keras.Model:
    """Return a network with other layers at its end."""
    return chain(L.Conv2D(8, 3, activation="relu"), L.GlobalAveragePooling2D(keepdims=keepdims), *layers)


@pytest.mark.parametrize("end", [L.Softmax(), L.Activation("log_softmax")], ids=["softmax", "its logarithm"])
def test_a_softmax_at_the_end_is_taken_off(end: Any) -> None:
    model = ending(L.Dense(len(LABELS)), end)
    assert kinds(as_graph(model))[-1] in {"SOFTMAX", "LOG_SOFTMAX"}
    graph = judged(model, UNIT, probabilities=isinstance(end, L.Softmax))
    assert kinds(graph) == ["CONV_2D", "MEAN", "FULLY_CONNECTED"]


def test_probabilities_from_elsewhere_get_a_logarithm() -> None:
    graph = judged(two_heads(lambda a, b: L.Average()([L.Softmax()(a), L.Softmax()(b)])), UNIT, probabilities=True)
    assert kinds(graph).count("SOFTMAX") == 2
    assert {"MAXIMUM", "LOG"} <= set(kinds(graph))


def test_a_probability_of_zero_has_a_finite_logit() -> None:
    model = ending(L.Dense(len(LABELS)), L.Activation("relu"), L.Lambda(lambda x: x / keras.ops.sum(x, -1, True)))  # noqa: FBT003
    spread(model, UNIT.apply(pictures()))
    network = fold(as_graph(model), UNIT, ORDER, probabilities=True)
    given = np.asarray(model(UNIT.apply(pictures())))
    positive = given.sum(axis=1) > 0
    assert (given[positive] == 0).any()
    rows = float_runtime.logits(network, pictures())[positive]
    assert np.isfinite(rows).all()
    assert np.abs(softmax(rows) - given[positive][:, ORDER]).max() < 1e-5


@pytest.mark.parametrize(
    "model",
    [
        lambda: ending(L.Dense(len(LABELS))),
        lambda: ending(L.Dense(len(LABELS)), L.Softmax()),
        lambda: ending(L.Dense(len(LABELS)), L.Reshape((2, 2)), L.Reshape((len(LABELS),))),
        lambda: ending(L.Conv2D(len(LABELS), 1), keepdims=True),
        lambda: ending(L.Conv2D(len(LABELS), 1), L.Flatten(), keepdims=True),
        lambda: ending(L.Dense(len(LABELS)), L.Reshape((len(LABELS), 1))),
    ],
    ids=["dense", "softmax", "reshaped", "convolution", "flattened", "one column"],
)
def test_the_last_layer_puts_the_labels_in_order(model: Callable[[], keras.Model]) -> None:
    built = model()
    graph = judged(built, UNIT, probabilities=isinstance(built.layers[-1], L.Softmax))
    assert "GATHER" not in kinds(graph)


def test_a_row_that_is_reshaped_at_the_end_stays_one() -> None:
    model = ending(L.Dense(len(LABELS)), L.Reshape((len(LABELS), 1)))
    assert kinds(as_graph(model))[-1] == "RESHAPE"
    assert kinds(judged(model, UNIT)) == ["CONV_2D", "MEAN", "FULLY_CONNECTED"]


@pytest.mark.parametrize(
    "end",
    [
        lambda a, b: L.Average()([a, b]),
        lambda a, b: L.Reshape((len(LABELS), 1))(L.Average()([a, b])),
        lambda a, b: L.Reshape((1, len(LABELS), 1))(L.Average()([a, b])),
    ],
    ids=["row", "column", "picture"],
)
def test_a_sum_of_answers_is_put_in_order_by_a_gather(end: Callable[[Any, Any], Any]) -> None:
    assert kinds(judged(two_heads(end), UNIT)).count("GATHER") == 1


def test_a_last_layer_that_works_twice_orders_only_its_last_answer() -> None:
    twice = L.Dense(len(LABELS))
    begin = (L.Rescaling(32), L.Conv2D(len(LABELS), 3, activation="relu"), L.GlobalAveragePooling2D())
    graph = compared(chain(*begin, twice, L.ReLU(), twice), UNIT)
    assert kinds(graph)[-2:] == ["FULLY_CONNECTED", "FULLY_CONNECTED"]


def test_labels_in_order_need_nothing() -> None:
    model = two_heads(lambda a, b: L.Add()([a, b]))
    graph = fold(as_graph(model), UNIT, range(len(LABELS)), probabilities=False)
    assert kinds(graph)[-1] == "ADD"
