"""The first method that holds by the project's own limits is taken; with looser limits, the best one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from convert.gates import AccuracyGates, Answers, GateResult, Limits
from convert.quantize import search
from convert.quantize.methods import METHODS, Quantised
from edge.inference.outputs import Logits, OutputLabels
from edge.inference.runtime import installed
from tests.convert.small import classifier, of_gray_levels
from train.datasets import Faces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LABELS = ("happy", "sad")
FACES = 100


def silent(_: str, __: int) -> Callable[[int], None]:
    return lambda _: None


def answers(agreeing: int) -> Logits:
    """Return answers of which so many are those of float."""
    return Logits(np.eye(2, dtype=np.float32)[(np.arange(FACES) % 2) ^ (np.arange(FACES) >= agreeing)])


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    network = of_gray_levels(classifier(keras.layers.Conv2D(4, 3)))

    def quantize_until_good(agreements: list[int], limits: Limits, fit: int = len(METHODS)) -> list[str]:
        """Return the methods of the trials.

        Int8 agrees with float on so many faces by each method, and the first `fit` networks fit a Pi.
        """
        sizes = iter(range(len(METHODS)))
        given = iter([each for each in agreements for _ in installed()])

        def by_each_method(*_: Any) -> Iterator[Quantised]:
            for method in METHODS[: len(agreements)]:
                yield Quantised(method, network, network)

        monkeypatch.setattr(search, "quantize_by_each_method", by_each_method)
        monkeypatch.setattr(
            search, "runs_on_a_pi", lambda *_: [GateResult("size", "", "", holds=next(sizes) < fit, sentence="")]
        )
        monkeypatch.setattr("convert.int8_runtime.logits", lambda *_: answers(next(given)))
        truth = np.eye(2, dtype=np.float32)[np.arange(FACES) % 2]
        faces = Faces(np.zeros((FACES, 48, 48), np.uint8), truth, LABELS)
        gates = AccuracyGates(OutputLabels(LABELS), Answers(answers(FACES)), faces, None, limits, silent)
        reference: Any = None
        trials = search.quantize_until_good(Path("small"), reference, faces.pixels, gates)
        return [str(trial.method) for trial in trials] if trials[-1].holds else []

    return quantize_until_good


LOOSER = Limits(max_drop=20, min_agreement=85, max_recall_drop=20)


def test_the_first_method_that_holds_by_the_projects_own_limits_is_taken(tried: Callable[..., list[str]]) -> None:
    assert tried([100, 100], Limits()) == ["min-max ranges"]
    assert tried([100, 99, 90], LOOSER) == ["min-max ranges"]


def test_with_looser_limits_the_best_method_is_taken_and_not_the_first(tried: Callable[..., list[str]]) -> None:
    assert tried([90, 96, 93], LOOSER)[-1] == "percentile ranges"
    assert sorted(tried([90, 96, 93], LOOSER)) == ["min-max ranges", "mse ranges", "percentile ranges"]
    assert tried([90, 93, 100, 91], LOOSER)[-1] == "mse ranges"


def test_where_two_are_equal_the_plainer_one_is_taken(tried: Callable[..., list[str]]) -> None:
    assert tried([90, 90], LOOSER)[-1] == "min-max ranges"


def test_where_a_later_one_does_not_fit_the_best_before_it_is_taken(tried: Callable[..., list[str]]) -> None:
    assert tried([90, 96, 96], LOOSER, fit=2) == ["min-max ranges", "mse ranges", "percentile ranges"]
    assert tried([90, 96], LOOSER, fit=0) == []


def test_where_none_holds_none_is_taken(tried: Callable[..., list[str]]) -> None:
    assert tried([80, 70], LOOSER) == []
