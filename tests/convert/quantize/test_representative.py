from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.card import calibration, measure_calibration
from convert.confidence import (
    Balanced,
    Confidence,
    balanced,
    best_balance,
    best_temperature,
    calibrate,
    least_confidence,
)
from convert.faces import LabelledFaces
from convert.quantize.representative import representative
from edge.inference.outputs import Logits, OutputLabels, softmax
from train.datasets import DataError, Faces
from train.evaluate.views import mean_of_views

LABELS = ("a", "b", "c")


def uneven(counts: tuple[int, ...] = (100, 30, 4)) -> Faces:
    """Faces whose gray level tells their label: 10, 20 and 30."""
    truth = np.repeat(np.arange(len(counts)), counts)
    pixels = (10 * (truth + 1))[:, None, None] * np.ones((1, 48, 48))
    return Faces(pixels.astype(np.uint8), np.eye(len(counts), dtype=np.float32)[truth], LABELS)


def test_labels_are_shown_equally_often_while_they_last() -> None:
    faces = representative(uneven(), 44)
    assert np.bincount(faces[:, 1, 1])[[10, 20, 30]].tolist() == [20, 20, 4]


@pytest.mark.parametrize(
    ("faces", "said"), [(uneven((0, 0, 0)), "empty"), (uneven().select(slice(0, 9)), "unlabelled")]
)
def test_a_set_that_shows_nothing_is_refused(faces: Faces, said: str) -> None:
    with pytest.raises(DataError, match=f"the representative set is {said}"):
        representative(Faces(faces.pixels, faces.targets * (said != "unlabelled"), faces.labels), 12)


def test_what_is_no_face_is_spread_over_the_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convert.faces.datasets.load", lambda *_: uneven((300, 300, 300)))
    monkeypatch.setattr("convert.faces.clutter", lambda count, *_: np.full((count, 48, 48), 255, np.uint8))
    data = LabelledFaces(Path("fer2013"), Path("ferplus"), 512)
    levels = data.representative("ferplus-majority", with_clutter=True)[:, 1, 1]
    assert (levels == 255).sum() == 64
    assert (levels[:64] == 255).sum() == 8  # what the ranges are narrowed by
    assert 255 not in data.representative("ferplus-majority", with_clutter=False)


def test_the_draw_is_repeatable_and_needs_no_face_twice() -> None:
    assert np.array_equal(representative(uneven(), 50), representative(uneven(), 50))
    assert len(representative(uneven(), 1000)) == 134


def logits_of_calibrated_model(
    count: int, scale: float
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    """Logits whose softmax at temperature `scale` is the probability that the truth is drawn with."""
    random = np.random.default_rng(5)
    reference = random.normal(0, 1.5, (count, 4)).astype(np.float32)
    probabilities = softmax(reference)
    truth = (random.random((count, 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(max=3)
    return reference * scale, truth


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_scaled(scale: float) -> None:
    logits, truth = logits_of_calibrated_model(20_000, scale)
    assert best_temperature([logits], truth) == pytest.approx(scale, rel=0.05)
    assert best_temperature([logits] * 4, truth) == pytest.approx(scale, rel=0.05)


def test_the_temperature_is_that_of_the_mean_of_the_views() -> None:
    logits, truth = logits_of_calibrated_model(2_000, 1.0)
    noise = np.random.default_rng(6).normal(0, 1.5, (4, *logits.shape)).astype(np.float32)
    views = [Logits(logits + each) for each in noise]

    def loss(temperature: float) -> float:
        mean = mean_of_views(views, temperature).probabilities
        return -float(np.log(mean[np.arange(len(truth)), truth]).mean())

    temperature = best_temperature([view.emotions for view in views], truth)
    assert loss(temperature) < min(loss(temperature * 1.05), loss(temperature / 1.05))
    assert temperature < 0.95 * best_temperature([views[0].emotions], truth)  # the mean is less sure than each view


def labelled(truth: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Faces:
    """Faces of which only the labels count, in another order than the model's: d, c, b, a."""
    return Faces(np.zeros((len(truth), 1, 1), np.uint8), np.eye(4, dtype=np.float32)[3 - truth], ("d", "c", "b", "a"))


def calibrated(scale: float) -> Confidence:
    logits, truth = logits_of_calibrated_model(20_000, scale)
    labels = ("a", "b", "c", "d")
    priors = dict.fromkeys(labels, 0.25)
    return calibrate([Logits(logits)] * 4, OutputLabels(labels), labelled(truth), np.ones(len(truth), bool), priors)


def test_calibration_makes_the_error_small() -> None:
    found = calibrated(3.0)
    assert found.error_before > 0.1
    assert found.error_after < 0.02


def test_a_balance_is_chosen_that_helps_rare_labels_and_costs_little() -> None:
    """Of 1,000 faces 40 are rare; the model knows them but doubts it, as it expects few."""
    truth = np.repeat([0, 1], [960, 40])
    own = np.where(np.arange(1000) % 20 == 0, -0.5, 3.0)  # one in twenty of either looks like the other
    logits = np.stack([np.where(truth == 0, own, -own), np.where(truth == 1, own, -own)], axis=1) / 2
    logits += np.log([0.96, 0.04])
    rows = tuple(balanced([Logits(logits.astype(np.float32))], 1.0, [0.96, 0.04], truth))
    none, chosen = rows[0], next(row for row in rows if row.balance == best_balance(rows))
    assert none.macro_recall < 0.6
    assert chosen.macro_recall > 0.9
    assert chosen.accuracy >= none.accuracy - 0.01
    assert best_balance((none, Balanced(0.5, none.accuracy - 0.02, 1.0, 1.0))) == 0


def test_of_balances_that_are_about_as_good_the_largest_is_chosen() -> None:
    rows = [Balanced(0.0, 0.9, 0.6, 0.700), Balanced(0.2, 0.896, 0.65, 0.703), Balanced(0.4, 0.891, 0.7, 0.699)]
    assert best_balance(rows) == 0.4
    assert best_balance([*rows, Balanced(0.6, 0.891, 0.75, 0.697)]) == 0.4
    assert best_balance([*rows, Balanced(0.6, 0.889, 0.75, 0.702)]) == 0.4


def test_without_the_share_of_each_label_there_is_no_balance() -> None:
    logits, truth = logits_of_calibrated_model(2_000, 1.0)
    labels = ("a", "b", "c", "d")
    faces, are_faces = labelled(truth), np.ones(len(truth), bool)
    found = calibrate([Logits(logits)], OutputLabels(labels), faces, are_faces, {"a": 0.5, "b": 0.5})
    assert (found.priors, found.balance, found.balances) == (None, 0.0, ())


def test_shares_are_those_of_the_model_s_labels() -> None:
    """The data of a model without contempt may have some: the card's shares have to sum to 1 all the same."""
    logits, truth = logits_of_calibrated_model(2_000, 1.0)
    labels, shares = ("a", "b", "c", "d"), {"a": 0.5, "b": 0.2, "c": 0.1, "d": 0.1, "e": 0.1}
    found = calibrate([Logits(logits)], OutputLabels(labels), labelled(truth), np.ones(len(truth), bool), shares)
    assert found.priors == pytest.approx((5 / 9, 2 / 9, 1 / 9, 1 / 9), abs=1e-5)
    assert calibration(found).priors == found.priors


def test_the_diagram_is_of_the_faces_of_the_error() -> None:
    """Faces whose label the model does not have say nothing of its calibration."""
    logits, truth = logits_of_calibrated_model(2_000, 2.0)
    views, outputs, faces = [Logits(logits[:, :3])], OutputLabels(("a", "b", "c")), labelled(truth)
    found = calibrate(views, outputs, faces, np.ones(len(truth), bool), {"a": 0.5, "b": 0.3, "c": 0.2})
    bins = measure_calibration(views, outputs, faces, found)["reliability"]
    assert sum(n for n, _, _ in bins) == (truth < 3).sum()
    error = sum(n * abs(confidence - accuracy) for n, confidence, accuracy in bins) / (truth < 3).sum()
    assert error == pytest.approx(found.error_after, abs=1e-4)


def test_a_face_is_judged_by_its_mean_score() -> None:
    emotions, truth = logits_of_calibrated_model(1_000, 1.0)
    labels, are_faces = ("a", "b", "c", "d"), np.arange(len(truth)) > 0
    # Each face is missed in one of four views: the lowest score is 0, the mean three quarters.
    views = [Logits(emotions, np.where(np.arange(1_000) % 4 == view, -50, 50).astype(np.float32)) for view in range(4)]
    found = calibrate(views, OutputLabels(labels, has_face=True), labelled(truth), are_faces, {})
    assert found.min_face_score == pytest.approx(0.75, abs=1e-4)


def test_a_calibrated_model_is_more_often_right_than_wrong_from_one_half_on() -> None:
    found = calibrated(1.0)
    assert found.min_confidence == pytest.approx(0.5, abs=0.05)


def test_answers_that_are_always_or_never_worth_saying() -> None:
    probabilities = np.array([[0.6, 0.4], [0.7, 0.3], [0.9, 0.1]], np.float32)
    assert least_confidence(probabilities, np.array([0, 0, 0])) == 0.0
    assert least_confidence(probabilities, np.array([1, 1, 1])) == 1.0
    assert least_confidence(probabilities, np.array([1, 0, 0])) == pytest.approx(0.7)
