from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.inference.labels import FACE
from edge.inference.outputs import softmax
from train.evaluate.balance import adjust, training_priors
from train.evaluate.protocols import own_protocol, training_protocol

if TYPE_CHECKING:
    from tests.train.synthetic import Run


def test_with_tau_1_a_label_gains_what_its_prior_cost() -> None:
    pictures = np.zeros((1, 48, 48), np.uint8)
    priors = {"a": 0.9, "b": 0.1}

    def logits(
        seen: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.array([[math.log(0.9), math.log(0.1), 3.0]] * len(seen), np.float32)

    adjusted = adjust(logits, ("a", "b", FACE), priors, 1.0)(pictures)
    assert softmax(adjusted[:, :2]) == pytest.approx(np.array([[0.5, 0.5]]), abs=1e-6)
    assert adjusted[0, 2] == 3.0
    assert np.array_equal(adjust(logits, ("a", "b", FACE), priors, 0.0)(pictures), logits(pictures))


def test_the_priors_are_of_the_labels_that_the_model_is_for(trained: Run) -> None:
    votes, original = (
        training_priors(training_protocol(own_protocol(labels)), trained.fer2013, trained.ferplus)
        for labels in (("happy", "contempt", FACE), ("happy", "sad"))
    )
    assert "contempt" in votes
    assert "contempt" not in original
    assert original["neutral"] == pytest.approx(2 / 8)  # contempt became neutral
