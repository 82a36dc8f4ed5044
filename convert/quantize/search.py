"""Quantise by one method after the other until every gate holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert import evaluate
from convert.gates import runs_on_a_pi
from convert.graph import serialize
from convert.inspection import summarize
from convert.quantize.methods import quantize_by_each_method

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from convert.gates import AccuracyGates, Answers, GateResult, Limits
    from convert.inspection import NetworkSummary
    from convert.quantize.methods import Quantised, QuantizationMethod
    from convert.reference import FloatReference
    from edge.inference.outputs import Logits
    from edge.inference.runtime import Runtime


@dataclass(frozen=True, eq=False)
class Trial:
    """A quantised network and what the gates measured."""

    quantised: Quantised
    content: bytes
    """The ``.tflite`` file."""

    summary: NetworkSummary
    results: tuple[GateResult, ...]
    answers: dict[Runtime, Answers]
    """In each runtime in which it was run."""

    @property
    def logits(self) -> dict[Runtime, Logits]:
        """For the validation faces, in each runtime in which it was run."""
        return {runtime: answers.faces for runtime, answers in self.answers.items()}

    @property
    def method(self) -> QuantizationMethod:
        """How it was quantised."""
        return self.quantised.method

    @property
    def holds(self) -> bool:
        """Whether every gate holds."""
        return all(result.holds for result in self.results)


def quantize_until_good(
    path: Path, reference: FloatReference, representative: NDArray[np.uint8], gates: AccuracyGates
) -> list[Trial]:
    """Return the trials; the last one holds and is what becomes the bundle, or none holds.

    The methods are tried in their order, until one holds by the project's own limits. With looser limits, the trial
    that agrees best with float is taken of those that hold. Another method can only improve the accuracy, so no method
    is tried after one that fails at another gate.

    Args:
        path: Where the model came from, for messages.
        reference: The float network.
        representative: ``(M, H, W)`` gray levels that show the activations' ranges.
        gates: What decides.
    """
    trials: list[Trial] = []
    strict = gates.limits.tightened()
    for quantised in quantize_by_each_method(path, reference, representative, gates.stage):
        content, summary = serialize(quantised.network), summarize(quantised.network)
        results = runs_on_a_pi(content, summary, gates.outputs, gates.limits)
        fit = all(result.holds for result in results)
        more, answers = gates.run(content) if fit else ([], {})
        trials.append(Trial(quantised, content, summary, (*results, *more), answers))
        if not fit:
            break
        if trials[-1].holds and _holds_by(strict, trials[-1], gates):
            return trials
    holding = [trial for trial in trials if trial.holds]
    if holding:
        best = max(holding, key=lambda trial: _agreement(trial, gates))
        trials = [*(trial for trial in trials if trial is not best), best]
    return trials


def _holds_by(limits: Limits, trial: Trial, gates: AccuracyGates) -> bool:
    """Return whether a trial that holds would hold by other limits of accuracy, too."""
    results = (result for runtime, found in trial.answers.items() for result in gates.compare(runtime, found, limits))
    return all(result.holds for result in results)


def _agreement(trial: Trial, gates: AccuracyGates) -> float:
    """Return the part of faces for which int8 predicts what float predicts, in the runtime where they are fewest."""
    return min(evaluate.agreement(gates.reference.faces, logits) for logits in trial.logits.values())
