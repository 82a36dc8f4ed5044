from __future__ import annotations

import json

import numpy as np
import pytest

from train.datasets import DataError, Faces
from train.evaluate.metrics import (
    Metrics,
    calibration_error,
    compare,
    evaluate,
    match_labels,
    measure,
    run_once,
    wilson_interval,
)


def rows(*probabilities: tuple[float, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(probabilities, np.float32)


def test_counts_of_a_small_table() -> None:
    # truth a a a b b c; answers a a b b a a
    answers = [0, 0, 1, 1, 0, 0]
    metrics = measure(np.eye(3, dtype=np.float32)[answers], np.array([0, 0, 0, 1, 1, 2]), ("a", "b", "c"))
    assert metrics.n == 6
    assert metrics.accuracy == pytest.approx(3 / 6)
    assert metrics.confusion == ((2, 1, 0), (1, 1, 0), (1, 0, 0))
    assert metrics.recall["a"].recall == pytest.approx(2 / 3)
    assert metrics.recall["c"].recall == 0.0
    assert (metrics.recall["a"].n, metrics.recall["b"].n, metrics.recall["c"].n) == (3, 2, 1)
    assert metrics.macro_recall == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    # F1: a 2*2/(4+3), b 2*1/(2+2), c 0
    assert metrics.macro_f1 == pytest.approx((4 / 7 + 1 / 2 + 0) / 3)


def test_a_model_of_other_labels_is_refused() -> None:
    faces = Faces(np.zeros((2, 1, 1), np.uint8), np.eye(2, dtype=np.float32), ("angry", "sad"))
    with pytest.raises(DataError, match="none of these faces' labels, angry, sad"):
        evaluate(rows((0.5, 0.5), (0.5, 0.5)), ("bored", "joy"), faces)


def test_wilson_interval_of_a_published_example() -> None:
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I: 81 of 263, method 3.
    truth = np.array([0] * 81 + [1] * 182)
    metrics = measure(np.tile(rows((1, 0)), (263, 1)), truth, ("a", "b"))
    assert metrics.interval == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_wilson_interval_stays_within_0_and_1() -> None:
    low, high = measure(rows((1, 0), (1, 0)), np.array([0, 0]), ("a", "b")).interval
    assert 0 < low < 1
    assert high == pytest.approx(1)


def test_a_label_without_faces_is_not_in_the_mean_recall() -> None:
    assert measure(rows((1, 0), (0, 1)), np.array([0, 0]), ("a", "b")).macro_recall == 0.5


def test_accuracy_by_agreement_of_the_annotators() -> None:
    answers = np.eye(2, dtype=np.float32)[[0, 1, 0, 0, 1]]
    metrics = measure(answers, np.zeros(5, np.intp), ("a", "b"), np.array([10, 8, 9, 5, 2]))
    groups = {name: (group.n, group.accuracy) for name, group in metrics.by_agreement.items()}
    assert groups == {"under 6": (2, 0.5), "8 or more": (3, pytest.approx(2 / 3))}
    assert metrics.by_agreement["8 or more"].interval == wilson_interval(2, 3)


def test_calibration_error_by_hand() -> None:
    # Two faces at 0.9, one right: gap 0.4. Two at 0.6, both right: gap 0.4. One at 0.55 (another bin), wrong: 0.55.
    probabilities = rows((0.9, 0.1), (0.9, 0.1), (0.62, 0.38), (0.62, 0.38), (0.55, 0.45))
    truth = np.array([0, 1, 0, 0, 1])
    assert calibration_error(probabilities, truth) == pytest.approx((2 * 0.4 + 2 * 0.38 + 0.55) / 5, abs=1e-6)


def test_a_perfectly_calibrated_model_has_no_error() -> None:
    probabilities = np.tile(rows((0.75, 0.25)), (8, 1))
    assert calibration_error(probabilities, np.array([0, 0, 0, 1] * 2)) == pytest.approx(0, abs=1e-6)


def test_labels_meet_by_name_and_the_rest_sums_to_1() -> None:
    matched = match_labels(rows((0.2, 0.5, 0.3)), ("sad", "contempt", "happy"), ("happy", "sad", "fear"))
    assert matched == pytest.approx(rows((0.6, 0.4, 0.0)))


def test_a_model_sure_of_a_dropped_label_still_answers() -> None:
    matched = match_labels(rows((0.0, 1.0)), ("sad", "contempt"), ("happy", "sad"))
    assert np.isfinite(matched).all()


def test_a_label_the_model_does_not_have_counts_as_missed() -> None:
    pixels = np.zeros((2, 48, 48), np.uint8)
    faces = Faces(pixels, np.eye(2, dtype=np.float32), ("happy", "contempt"))
    metrics = evaluate(rows((0.9, 0.1), (0.2, 0.8)), ("happy", "sad"), faces)
    assert metrics.n == 2
    assert metrics.accuracy == 0.5
    assert metrics.recall["contempt"].recall == 0.0


def test_label_order_of_the_model_does_not_matter() -> None:
    faces = Faces(np.zeros((3, 48, 48), np.uint8), np.eye(3, dtype=np.float32), ("a", "b", "c"))
    assert evaluate(np.eye(3, dtype=np.float32)[[2, 0, 1]], ("b", "c", "a"), faces).accuracy == 1.0
    assert evaluate(np.eye(3, dtype=np.float32), ("b", "c", "a"), faces).accuracy == 0.0


def test_mcnemar_counts_only_where_the_models_differ() -> None:
    truth = np.zeros(20, np.intp)
    first = np.eye(2, dtype=np.float32)[[0] * 20]
    second = np.eye(2, dtype=np.float32)[[0] * 14 + [1] * 6]
    pair = compare(first, second, truth)
    assert (pair.only_first, pair.only_second) == (6, 0)
    assert pair.p == pytest.approx(2 / 2**6)
    assert compare(first, first, truth).p == 1.0


def test_no_face_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no face"):
        measure(np.empty((0, 2), np.float32), np.empty(0, np.intp), ("a", "b"))


def test_metrics_survive_json() -> None:
    metrics = measure(rows((0.9, 0.1), (0.3, 0.7)), np.array([0, 0]), ("a", "b"))
    assert metrics.recall["b"].recall is None
    assert Metrics.model_validate(json.loads(metrics.model_dump_json())) == metrics


def test_shared_pictures_run_once() -> None:
    pixels = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((4, 48, 48), np.uint8)
    faces = Faces(pixels, np.eye(4, dtype=np.float32), ("a", "b", "c", "d"))
    seen: list[int] = []

    def logits(
        pictures: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        seen.append(len(pictures))
        return pictures[:, 0, :1].astype(np.float32)

    result = run_once(logits, {"all": faces, "last": faces.select(np.array([3, 1]))})
    assert seen == [4]
    assert result["all"].ravel().tolist() == [0, 1, 2, 3]
    assert result["last"].ravel().tolist() == [3, 1]
