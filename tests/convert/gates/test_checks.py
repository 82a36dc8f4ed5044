from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert import gates, worker
from convert.inspection import dissect
from edge.errors import BundleError
from edge.inference.runtime import installed
from train.evaluate.metrics import Metrics, measure

if TYPE_CHECKING:
    from tests.convert.conftest import Converted

LABELS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def metrics(right: int, n: int = 1000) -> Metrics:
    answers = np.eye(2, dtype=np.float32)[[0] * right + [1] * (n - right)]
    return measure(answers, np.zeros(n, np.intp), ("a", "b"))


@pytest.mark.parametrize(("right", "holds"), [(830, True), (820, True), (819, False), (835, True)])
def test_one_point_is_one_point(right: int, holds: bool) -> None:  # noqa: FBT001  # pytest gives it
    check = gates.accuracy_kept("litert", 0.83, metrics(right), 1.0)
    assert check.holds is holds


def test_a_drop_says_by_how_much() -> None:
    check = gates.accuracy_kept("litert", 0.85, metrics(825), 1.0)
    assert "2.50 points lost, 1.50 more than allowed" in check.sentence
    assert "litert" in check.name


def test_contract_breaches_are_named(converted: Converted) -> None:
    content = converted.network.read_bytes()
    anatomy = dissect(content)
    assert gates.as_contracted(content, anatomy, LABELS).holds
    for breach, said in [
        (replace(anatomy, input_shapes=((-1, 48, 48, 1),)), "left open"),
        (replace(anatomy, output_names=("output_0",)), "'logits'] is wanted"),
        (replace(anatomy, output_shapes=((1, 7),)), "these labels are named: angry"),
        (replace(anatomy, input_shapes=((1, 48, 48, 1), (1, 2))), "its inputs"),
    ]:
        check = gates.as_contracted(content, breach, LABELS)
        assert not check.holds
        assert said in check.sentence


def test_a_network_that_no_runtime_takes_is_a_breach(converted: Converted) -> None:
    content = converted.network.read_bytes()
    broken = content[: len(content) // 2]
    check = gates.as_contracted(broken, dissect(content), LABELS)
    assert not check.holds
    assert next(iter(installed())) in check.sentence


@pytest.mark.parametrize("runtime", sorted(installed()))
def test_each_runtime_gives_a_row_of_logits_per_face(runtime: str, converted: Converted) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
    content = converted.network.read_bytes()
    logits = worker.logits(content, "litert" if runtime == "litert" else "tflite-runtime", faces)
    assert logits.shape == (3, 8)
    assert np.isfinite(logits).all()


def test_text_is_no_network() -> None:
    with pytest.raises(BundleError, match="not a TFLite file"):
        dissect(b"this is a text, and a long one")
    with pytest.raises(BundleError, match="not a TFLite file"):
        worker.logits(b"this is a text, and a long one", next(iter(installed())), np.zeros((1, 48, 48), np.uint8))


def test_agreement_counts_equal_top_classes() -> None:
    first = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    second = np.eye(2, dtype=np.float32)[[0, 0, 1, 0]]
    assert gates.agreement(first, second) == 0.75
