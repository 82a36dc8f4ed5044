"""The gates of accuracy, run in each TFLite runtime that is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert import evaluate, int8_runtime
from convert.gates.accuracy import accuracy_kept, face_kept, predictions_kept, recalls_kept
from edge.inference.runtime import installed

if TYPE_CHECKING:
    from convert.gates.limits import Limits
    from convert.gates.result import GateResult
    from edge.inference.outputs import Logits, OutputLabels
    from edge.inference.runtime import Runtime
    from train.datasets import Faces
    from train.progress import Stage


@dataclass(frozen=True, eq=False)
class AccuracyGates:
    """Compares quantised networks with one float network, on the validation faces."""

    outputs: OutputLabels
    reference: Logits
    """The float network's logits for the ``N`` faces."""

    validation: Faces
    limits: Limits
    stage: Stage
    """Shows the progress."""

    def run(self, content: bytes) -> tuple[list[GateResult], dict[Runtime, Logits]]:
        """Run a quantised network in one runtime after the other, until a gate fails; return results and logits."""
        results: list[GateResult] = []
        logits: dict[Runtime, Logits] = {}
        for runtime in installed():
            advance = self.stage(f"int8 in {runtime}", len(self.validation))
            logits[runtime] = int8_runtime.logits(content, runtime, self.validation.pixels, advance)
            results += self.compare(runtime, logits[runtime], self.limits)
            if not all(result.holds for result in results):
                break
        return results, logits

    def compare(self, runtime: Runtime, logits: Logits, limits: Limits) -> list[GateResult]:
        """Return what the gates say of the logits in one runtime, by these limits."""
        before, after = (evaluate.count(each, self.outputs, self.validation) for each in (self.reference, logits))
        pair = evaluate.pair(self.reference, logits, self.outputs, self.validation)
        agreement = evaluate.agreement(self.reference, logits)
        results = [
            accuracy_kept(runtime, before.accuracy, after, limits.max_drop),
            predictions_kept(runtime, pair, agreement, limits.min_agreement),
            recalls_kept(runtime, before, after, limits.max_recall_drop),
        ]
        float_scores, int8_scores = (each.predict().face_scores for each in (self.reference, logits))
        if float_scores is not None and int8_scores is not None:
            results.append(face_kept(runtime, float_scores, int8_scores, limits.max_face_drift))
        return results
