"""The protocols and splits that every model is evaluated on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from edge.frozen import FrozenModel
from edge.inference.labels import FACE
from edge.inference.outputs import softmax
from train.datasets import DataError, LabelProtocol, Split, fer2013, load
from train.datasets.faces import joined
from train.evaluate.metrics import Metrics, Pair, compare, evaluate, match_labels, run_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from train.datasets import Faces
    from train.evaluate.metrics import Logits

TestedProtocol = Literal["ferplus-majority", "ferplus-top", "fer2013"]

TESTED: tuple[TestedProtocol, ...] = get_args(TestedProtocol)
"""The protocols that every model is evaluated by, whatever it was trained for."""

SPLITS: tuple[Split, ...] = ("PublicTest", "PrivateTest")
"""Validation and test."""

BOTH = "both"
"""Validation and test together, for FER2013's labels alone: some publish their figures so."""


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
    """Return the protocol of the labels that taught a model that is evaluated by another: FER2013's or FER+'s votes."""
    return "fer2013" if protocol == "fer2013" else "ferplus"


def load_tests(fer2013_file: Path, ferplus_file: Path | None) -> dict[tuple[Split, LabelProtocol], Faces]:
    """Return the faces of every split and protocol that a model is evaluated on.

    Args:
        fer2013_file: ``fer2013.tar.gz`` or ``fer2013.csv``.
        ferplus_file: ``fer2013new.csv``; None: FER+'s protocols are left out.

    Raises:
        DataError: A file is missing or damaged, or a protocol has no face.
    """
    protocols: tuple[LabelProtocol, ...] = TESTED if ferplus_file else ("fer2013",)
    tests = {(s, p): load(p, s, fer2013_file, ferplus_file) for s in SPLITS for p in protocols}
    for (split, protocol), faces in tests.items():
        if not len(faces):
            message = f"{fer2013_file}: no {split} face is left by the protocol {protocol}; is the file complete?"
            raise DataError(message)
    return tests


def evaluate_all(
    logits: Logits, labels: Sequence[str], tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> dict[str, dict[str, Metrics]]:
    """Return a model's metrics by split, then by protocol; those of `BOTH` last."""
    return measure_all(probabilities(logits, tests), labels, tests)


def probabilities(
    logits: Logits, tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> dict[tuple[Split, LabelProtocol], NDArray[np.float32]]:
    """Return a model's ``(N, C)`` answers for the faces of each split and protocol."""
    return {key: softmax(rows) for key, rows in run_once(logits, tests).items()}


def measure_all(
    answers: Mapping[tuple[Split, LabelProtocol], NDArray[np.float32]],
    labels: Sequence[str],
    tests: Mapping[tuple[Split, LabelProtocol], Faces],
) -> dict[str, dict[str, Metrics]]:
    """Return the metrics of ``(N, C)`` probabilities by split, then by protocol; `BOTH` last, if both are there."""
    metrics: dict[str, dict[str, Metrics]] = {}
    for (split, protocol), found in answers.items():
        metrics.setdefault(split, {})[protocol] = evaluate(found, labels, tests[split, protocol])
    parts: list[tuple[Split, LabelProtocol]] = [(split, "fer2013") for split in SPLITS]
    if all(part in answers for part in parts):
        together = np.concatenate([answers[part] for part in parts])
        metrics[BOTH] = {"fer2013": evaluate(together, labels, joined([tests[part] for part in parts]))}
    return metrics


def which_right(
    answers: Mapping[tuple[Split, LabelProtocol], NDArray[np.float32]],
    labels: Sequence[str],
    tests: Mapping[tuple[Split, LabelProtocol], Faces],
) -> dict[Split, str]:
    """Return which rows of each split are right by FER2013's labels, so that two models can be compared in pairs.

    Args:
        answers: ``(N, C)`` probabilities by split and protocol.
        labels: The ``C`` labels.
        tests: The faces.

    Returns:
        A bit for each row, in hexadecimal digits; `unpacked_rights` reads it. Empty without FER2013's labels.
    """
    found: dict[Split, str] = {}
    for (split, protocol), faces in tests.items():
        if protocol == "fer2013":
            right = match_labels(answers[split, protocol], labels, faces.labels).argmax(axis=1) == faces.truth
            found[split] = np.packbits(right).tobytes().hex()
    return found


def unpacked_rights(digits: str, rows: int) -> NDArray[np.bool_]:
    """Return the ``(rows,)`` bits of a split of `which_right`."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8), count=rows).astype(np.bool_)


def compare_all(
    first: tuple[Logits, Sequence[str]],
    second: tuple[Logits, Sequence[str]],
    tests: Mapping[tuple[Split, LabelProtocol], Faces],
) -> list[ComparedModels]:
    """Compare two models, each with its labels, on the faces of every split and protocol."""
    (one, labels), (two, other_labels) = first, second
    mine, theirs = probabilities(one, tests), probabilities(two, tests)
    compared = []
    for key in tests:
        (split, protocol), faces = key, tests[key]
        answers = match_labels(mine[key], labels, faces.labels)
        others = match_labels(theirs[key], other_labels, faces.labels)
        pair = compare(answers, others, faces.truth)
        a, b = (float((given.argmax(axis=1) == faces.truth).mean()) for given in (answers, others))
        compared.append(ComparedModels(split=split, protocol=protocol, first=a, second=b, pair=pair))
    return compared
