"""Quantise, judge, and where a gate fails, quantise otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert import float_runtime, gates, worker
from convert.face_output import emotions, split
from convert.inspection import dissect
from convert.quantize.activations import observe
from convert.quantize.bias_correction import correct_bias
from convert.quantize.equalize import equalize
from convert.quantize.int8 import Method, quantize, ranges
from convert.quantize.range_search import tighten
from edge.inference.bundle import FACE, sigmoid, softmax
from edge.inference.runtime import installed
from train.evaluate.metrics import compare, judge, match_labels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from convert.gates import Check, Limits
    from convert.inspection import Anatomy
    from convert.reference import Reference
    from edge.inference.runtime import Runtime
    from train.datasets import Faces
    from train.evaluate.metrics import Pair
    from train.progress import Stage


@dataclass(frozen=True)
class Way:
    """One way to quantise."""

    calibration: Method
    equalized: bool = False
    tightened: bool = False
    """By what it does to the answers, whose mean error is then taken out as well."""

    def __str__(self) -> str:
        """Say it in words."""
        return (
            f"{self.calibration} ranges"
            + (", channels equalised" if self.equalized else "")
            + (", by the answers" if self.tightened else "")
        )


WAYS = (
    Way("min-max"),
    Way("percentile"),
    Way("mse"),
    Way("mse", equalized=True),
    Way("mse", equalized=True, tightened=True),
)
"""From the plainest on; each is tried where the one before did not pass."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A quantised network and what the gates say of it."""

    way: Way
    reference: bytes
    """The float network that was quantised; an equalised one has other activations."""

    content: bytes
    anatomy: Anatomy
    checks: tuple[Check, ...]
    logits: dict[Runtime, NDArray[np.float32]]
    """``(N, C)`` of the validation faces, in each runtime that it came to."""

    @property
    def holds(self) -> bool:
        """Whether every gate holds."""
        return all(check.holds for check in self.checks)


@dataclass(frozen=True, eq=False)
class Judge:
    """Holds quantised networks against one float network, on faces that decide."""

    labels: Sequence[str]
    reference: NDArray[np.float32]
    """``(N, C)`` logits of the float network."""

    validation: Faces
    """The ``N`` faces."""

    limits: Limits
    stage: Stage
    """Tells how far it is."""

    def __call__(self, content: bytes) -> tuple[list[Check], dict[Runtime, NDArray[np.float32]]]:
        """Run a quantised network in each runtime, until a gate fails in one; give checks and logits."""
        found: list[Check] = []
        logits: dict[Runtime, NDArray[np.float32]] = {}
        before = judge(softmax(self.reference), self.labels, self.validation)
        for runtime in installed():
            advance = self.stage(f"int8 in {runtime}", len(self.validation))
            rows = worker.logits(content, runtime, self.validation.pixels, advance)
            logits[runtime] = rows
            after = judge(softmax(rows), self.labels, self.validation)
            found += [
                gates.accuracy_kept(runtime, before.accuracy, after, self.limits.max_drop),
                gates.answers_kept(
                    runtime,
                    self.pair(rows),
                    self._agreement(rows),
                    self.limits.min_agreement,
                ),
                gates.recalls_kept(runtime, before, after, self.limits.max_recall_drop),
            ]
            if FACE in self.labels:
                first, second = (sigmoid(part[:, -1]) for part in (self.reference, rows))
                found.append(gates.face_kept(runtime, first, second, self.limits.max_face_drift))
            if not all(check.holds for check in found):
                break
        return found, logits

    def _agreement(self, rows: NDArray[np.float32]) -> float:
        return gates.agreement(emotions(self.reference, self.labels), emotions(rows, self.labels))

    def pair(self, rows: NDArray[np.float32]) -> Pair:
        """Compare the float network's answers with others, face by face."""
        first, second = (
            match_labels(softmax(part), self.labels, self.validation.labels) for part in (self.reference, rows)
        )
        return compare(first, second, self.validation.truth)


def quantize_until_good(
    path: Path, reference: Reference, representative: NDArray[np.uint8], judged_by: Judge
) -> list[Trial]:
    """Quantise in one way after the other until every gate holds.

    Accuracy is all that another way can mend, so where something else is wrong there is one trial.

    Args:
        path: Where the model came from, for messages.
        reference: The float network.
        representative: ``(M, H, W)`` gray levels that show the activations' ranges.
        judged_by: What decides.

    Returns:
        The trials in their order; the last one holds, or none does.
    """
    trials: list[Trial] = []
    content, stage, limits = reference.content, judged_by.stage, judged_by.limits
    seen = observe(content, representative, advance=stage("activations", len(representative)))
    for way in WAYS:
        if way.equalized and not way.tightened:
            content, count = equalize(content, seen)
            if not count:
                continue  # as the way before
            seen = observe(content, representative, advance=stage("equalised activations", len(representative)))
        chosen = ranges(seen, way.calibration)
        if way.tightened:
            chosen = tighten(content, chosen, representative, stage)
        quantised = quantize(path, content, chosen)
        if way.tightened:
            # In the runtime that edge takes unless told otherwise.
            given = worker.logits(quantised, next(iter(installed())), representative)
            quantised = correct_bias(quantised, (given - float_runtime.logits(content, representative)).mean(axis=0))
        if FACE in reference.labels:
            quantised = split(path, quantised)
        anatomy = dissect(quantised)
        found = gates.runs_on_a_pi(quantised, anatomy, reference.labels, limits)
        fit = all(check.holds for check in found)
        more, logits = judged_by(quantised) if fit else ([], {})
        trials.append(Trial(way, content, quantised, anatomy, (*found, *more), logits))
        if trials[-1].holds or not fit:
            break
    return trials
