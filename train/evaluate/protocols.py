"""The protocols and splits that every model is evaluated on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.frozen import FrozenModel
from edge.inference.outputs import FACE, softmax
from train.datasets import DataError, LabelProtocol, Split, fer2013, load
from train.evaluate.metrics import Metrics, Pair, compare, evaluate, match_labels, run_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from train.datasets import Faces
    from train.evaluate.metrics import Logits

TESTED: tuple[LabelProtocol, ...] = ("ferplus-majority", "ferplus-top", "fer2013")
"""The protocols that every model is evaluated by, whatever it was trained for."""

SPLITS: tuple[Split, ...] = ("PublicTest", "PrivateTest")
"""Validation and test."""


class ComparedModels(FrozenModel):
    """Two models on the faces of one split and protocol."""

    split: Split
    protocol: LabelProtocol
    first: float
    """Accuracy of the first model."""

    second: float
    pair: Pair


def own_protocol(labels: Sequence[str]) -> LabelProtocol:
    """Return the protocol that a model with these labels is for."""
    return "fer2013" if set(labels) - {FACE} <= set(fer2013.LABELS) else "ferplus-majority"


def training_protocol(protocol: LabelProtocol) -> LabelProtocol:
    """Return the protocol of the labels that taught a model which is judged by another: FER2013's or FER+'s votes."""
    return "fer2013" if protocol == "fer2013" else "ferplus"


def load_tests(fer2013_file: Path, ferplus_file: Path) -> dict[tuple[Split, LabelProtocol], Faces]:
    """Return the faces of every split and protocol that a model is evaluated on.

    Raises:
        DataError: A file is missing or damaged, or a protocol has no face.
    """
    tests = {
        (split, protocol): load(protocol, split, fer2013_file, ferplus_file) for split in SPLITS for protocol in TESTED
    }
    for (split, protocol), faces in tests.items():
        if not len(faces):
            message = f"{fer2013_file}: no {split} face is left by the protocol {protocol}; is the file complete?"
            raise DataError(message)
    return tests


def evaluate_all(
    logits: Logits, labels: Sequence[str], tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> dict[str, dict[str, Metrics]]:
    """Return a model's metrics by split, then by protocol."""
    metrics: dict[str, dict[str, Metrics]] = {}
    for (split, protocol), row in run_once(logits, tests).items():
        metrics.setdefault(split, {})[protocol] = evaluate(softmax(row), labels, tests[split, protocol])
    return metrics


def compare_all(
    first: tuple[Logits, Sequence[str]],
    second: tuple[Logits, Sequence[str]],
    tests: Mapping[tuple[Split, LabelProtocol], Faces],
) -> list[ComparedModels]:
    """Compare two models, each with its labels, on the faces of every split and protocol."""
    (one, labels), (two, other_labels) = first, second
    rows, other_rows = run_once(one, tests), run_once(two, tests)
    compared = []
    for key in tests:
        (split, protocol), faces = key, tests[key]
        answers = match_labels(softmax(rows[key]), labels, faces.labels)
        others = match_labels(softmax(other_rows[key]), other_labels, faces.labels)
        pair = compare(answers, others, faces.truth)
        a, b = (float((given.argmax(axis=1) == faces.truth).mean()) for given in (answers, others))
        compared.append(ComparedModels(split=split, protocol=protocol, first=a, second=b, pair=pair))
    return compared
