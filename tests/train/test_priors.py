"""What a network comes to expect, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edge.inference.labels import FACE
from train.examples import Examples
from train.fit import training_model
from train.heads import Head
from train.learned import describe
from train.networks import ResNetConfig, build
from train.priors import class_priors, expected_priors, learned_priors, logit_shifts
from train.recipes import DataConfig, LossConfig, Recipe


@pytest.fixture
def rare() -> Examples:
    """Forty faces with the label a, eight with b and two without; nobody has the label "none"."""
    labels = np.array([0] * 40 + [1] * 8)
    first = np.concatenate([np.eye(3, dtype=np.float32)[labels], np.zeros((2, 3), np.float32)])
    second = np.eye(2, dtype=np.float32)[[0] * 44 + [1] * 6]
    heads = (Head("ferplus", ("a", "b", "none"), 1.0, slice(0, 3)), Head("fer2013", ("c", "d"), 0.5, slice(3, 5)))
    return Examples(np.zeros((50, 48, 48), np.uint8), np.concatenate([first, second], axis=1), heads)


def test_priors_are_the_labels_shares_and_rows_without_a_label_do_not_count() -> None:
    targets = np.array([[1, 0], [0.5, 0.5], [0, 0], [1, 0]], np.float32)
    assert class_priors(targets, ("a", "b")) == pytest.approx({"a": 2.5 / 3, "b": 0.5 / 3})


def test_priors_are_those_of_what_balanced_training_sees(rare: Examples) -> None:
    plain = learned_priors(rare, "none")
    assert plain["ferplus"] == pytest.approx({"a": 40 / 48, "b": 8 / 48, "none": 0})
    assert plain["fer2013"] == pytest.approx({"c": 44 / 50, "d": 6 / 50})
    for balance in ("sampling", "weights"):
        priors = learned_priors(rare, balance)
        assert priors["ferplus"] == pytest.approx({"a": 1 / 2, "b": 1 / 2, "none": 0})
        assert priors["fer2013"] == pytest.approx({"c": (24 + 12) / 50, "d": (12 + 2) / 50})


def test_a_network_with_logit_adjustment_expects_each_emotion_as_often() -> None:
    priors = {"a": 0.9, "b": 0.1, "none": 0.0}
    assert expected_priors(priors, 0) == pytest.approx(priors)
    assert expected_priors(priors, 0.5) == pytest.approx({"a": 0.75, "b": 0.25, "none": 0})
    assert expected_priors(priors, 1) == pytest.approx({"a": 0.5, "b": 0.5, "none": 0})


def test_a_report_has_what_the_network_expects(rare: Examples) -> None:
    recipe = Recipe(name="a", loss=LossConfig(logit_adjustment=1), data=DataConfig(training="ferplus"))
    assert describe(rare, recipe).priors["ferplus"] == pytest.approx({"a": 1 / 2, "b": 1 / 2, "none": 0})


def test_shifts_are_those_of_the_labels_that_have_priors() -> None:
    found = logit_shifts({"a": 0.9, "b": 0.1, "none": 0.0}, ("a", "b", "none", FACE), 0.5)
    assert found == pytest.approx([0.5 * np.log(p) for p in (0.9, 0.1, 1e-4, 1)], abs=1e-6)


def test_a_training_makes_the_adjusted_loss_of_its_labels_small(rare: Examples) -> None:
    recipe = Recipe(name="a", loss=LossConfig(logit_adjustment=1), network=ResNetConfig(widths=(16,), blocks=(1,)))
    model = training_model(recipe, build(recipe.network, 5), rare, 1)
    # Where the network says nothing, the probabilities are the priors: their own logarithms are the losses.
    first, second = -np.log([40 / 48, 8 / 48]), -np.log([44 / 50, 6 / 50])
    wanted = rare.targets[[0, 47]]
    assert np.asarray(model.loss.call(wanted, np.zeros((2, 5), np.float32))) == pytest.approx(
        first + 0.5 * second, abs=1e-3
    )
