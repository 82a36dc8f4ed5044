"""The protocols and splits that every model is evaluated on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.inference.outputs import softmax
from train.datasets import DataError, LabelProtocol, Split, load
from train.evaluate.metrics import Metrics, judge, run_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from train.datasets import Faces
    from train.evaluate.metrics import Logits

TESTED: tuple[LabelProtocol, ...] = ("ferplus-majority", "ferplus-top", "fer2013")
"""The protocols that every model is evaluated by, whatever it was trained for."""

SPLITS: tuple[Split, ...] = ("PublicTest", "PrivateTest")
"""Validation and test."""


def load_tests(fer2013: Path, ferplus: Path) -> dict[tuple[Split, LabelProtocol], Faces]:
    """Return the faces of every split and protocol that a model is evaluated on.

    Raises:
        DataError: A file is missing or damaged, or a protocol has no face.
    """
    tests = {(split, protocol): load(protocol, split, fer2013, ferplus) for split in SPLITS for protocol in TESTED}
    for (split, protocol), faces in tests.items():
        if not len(faces):
            message = f"{fer2013}: no {split} face is left by the protocol {protocol}; is the file complete?"
            raise DataError(message)
    return tests


def judge_all(
    logits: Logits, labels: Sequence[str], tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> dict[str, dict[str, Metrics]]:
    """Return a model's metrics by split, then by protocol."""
    metrics: dict[str, dict[str, Metrics]] = {}
    for (split, protocol), row in run_once(logits, tests).items():
        metrics.setdefault(split, {})[protocol] = judge(softmax(row), labels, tests[split, protocol])
    return metrics
