"""The mean over the views of a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.inference.labels import FACE
from edge.inference.outputs import Logits
from train.datasets import Faces
from train.evaluate.views import evaluate_views, mean_of_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBABILITIES = np.array([[[0.9, 0.1]], [[0.4, 0.6]], [[0.5, 0.5]], [[0.8, 0.2]]], np.float32)
"""Of one face in four views."""


def test_probabilities_are_averaged_and_not_logits() -> None:
    mean = mean_of_views([Logits(np.log(view)) for view in PROBABILITIES])
    assert mean.probabilities.tolist() == [pytest.approx([0.65, 0.35])]
    assert mean.face_scores is None


def test_temperature_and_adjustment_are_of_each_view() -> None:
    adjustment = np.log(np.array([0.8, 0.2], np.float32))
    views = [Logits(3 * np.log(view)) for view in PROBABILITIES]
    each = PROBABILITIES / [0.8, 0.2]
    expected = (each / each.sum(axis=2, keepdims=True)).mean(axis=0)
    assert mean_of_views(views, 3.0, adjustment).probabilities[0] == pytest.approx(expected[0], abs=1e-6)


def test_face_scores_are_averaged() -> None:
    scores = np.array([0.9, 0.5, 0.7, 0.1], np.float32)
    views = [Logits(np.zeros((1, 2), np.float32), np.log(score / (1 - score))[None]) for score in scores]
    assert mean_of_views(views).face_scores == pytest.approx([0.55], abs=1e-6)


def test_a_model_is_run_on_each_view_and_the_face_score_says_nothing() -> None:
    """A model with a bias for *left*; the mirror image is no face, and what it shows counts as much all the same."""
    seen = []

    def run(stills: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.append(stills)
        left, right = (half.astype(np.float32).mean(axis=(1, 2)) for half in (stills[..., :24], stills[..., 24:]))
        return np.stack([(left - right) / 50 + 1, (right - left) / 50, (left - right) / 10], axis=1)

    picture = np.zeros((1, 48, 48), np.uint8)
    picture[..., :24] = 200
    faces = Faces(picture, np.array([[1, 0]], np.float32), ("left", "other"))
    found = evaluate_views(run, ("left", "other", FACE), {("PrivateTest", "fer2013"): faces})
    assert len(seen) == 4
    assert (seen[1] == picture[..., ::-1]).all()
    assert found["PrivateTest"]["fer2013"].accuracy == 1.0
