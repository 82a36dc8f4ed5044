"""A mean error of the answers is taken back out of the last layer's biases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from convert import float_runtime
from convert.graph import serialize
from convert.quantize.activations import observe
from convert.quantize.bias_correction import correct_bias
from convert.quantize.int8 import quantize
from convert.quantize.ranges import choose_ranges
from edge.inference.runtime import Network
from tests.convert.small import LABELS, chain, classifier, of_gray_levels, pictures, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convert.graph import Graph

L = keras.layers
FACES = pictures(64)
ERROR = np.array([0.4, -0.25, 0.0, 0.15], np.float32)


def gray(model: keras.Model) -> Graph:
    """Fold a network that takes gray levels, its answers spread."""
    return of_gray_levels(spread(model, pictures()[..., None].astype(np.float32)))


def quantised(reference: Graph) -> Graph:
    return quantize(Path("small"), reference, choose_ranges(observe(reference, FACES), "min-max"))


@pytest.fixture(scope="module")
def reference() -> Graph:
    return gray(classifier(L.Conv2D(8, 3, activation="relu"), L.Conv2D(8, 3, activation="relu")))


def answers(network: Graph) -> NDArray[np.float32]:
    return Network(serialize(network), "litert").logits(FACES).columns


def test_every_answer_moves_by_what_it_was_too_high(reference: Graph) -> None:
    network = quantised(reference)
    moved = (answers(network) - answers(correct_bias(network, ERROR))).mean(axis=0)
    assert moved == pytest.approx(ERROR, abs=0.02)


def test_the_mean_error_is_gone(reference: Graph) -> None:
    found = choose_ranges(observe(reference, FACES), "min-max")
    whole = {name: found[name] for name in ("pixels", "logits")}
    network = quantize(
        Path("small"), reference, {name: (low, 0.9 * high) for name, (low, high) in found.items()} | whole
    )
    wanted = float_runtime.logits(reference, FACES)
    error = (answers(network) - wanted).mean(axis=0)
    assert np.abs(error).max() > 0.05
    assert np.abs((answers(correct_bias(network, error)) - wanted).mean(axis=0)).max() < 0.02


@pytest.mark.parametrize(
    "end",
    [[L.Dense(len(LABELS), activation="relu")], [L.Dense(len(LABELS)), L.PReLU()]],
    ids=["within the layer", "behind it"],
)
def test_answers_that_are_bent_afterwards_stay_as_they_are(end: list[keras.layers.Layer]) -> None:
    network = quantised(of_gray_levels(chain(L.Conv2D(8, 3, activation="relu"), L.GlobalAveragePooling2D(), *end)))
    assert serialize(correct_bias(network, ERROR)) == serialize(network)
