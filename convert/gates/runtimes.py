"""The gates of accuracy, run in each TFLite runtime that is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert import evaluate, int8_runtime
from convert.gates.accuracy import accuracy_kept, face_kept, predictions_kept, recalls_kept
from edge.inference.runtime import installed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convert.gates.limits import Limits
    from convert.gates.result import GateResult
    from edge.inference.outputs import Logits, OutputLabels
    from edge.inference.runtime import Runtime
    from train.datasets import Faces
    from train.progress import Stage


@dataclass(frozen=True, eq=False)
class Answers:
    """A network's logits for the pictures of the gates."""

    faces: Logits
    clutter: Logits | None = None
    """For pictures that are no faces; None if the network has no face score."""

    @property
    def face_scores(self) -> dict[str, NDArray[np.float32]]:
        """Face scores by what the pictures show, ``faces`` and ``clutter``; empty if the network has none."""
        found = {} if self.clutter is None else {"faces": self.faces, "clutter": self.clutter}
        scores = {name: logits.predict().face_scores for name, logits in found.items()}
        return {name: each for name, each in scores.items() if each is not None}


@dataclass(frozen=True, eq=False)
class AccuracyGates:
    """Compares quantised networks with one float network, on validation faces and clutter."""

    outputs: OutputLabels
    reference: Answers
    """The float network's, for `validation` and `clutter`."""

    validation: Faces
    clutter: NDArray[np.uint8] | None
    """``(M, H, W)`` pictures that are no faces; None if the network has no face score."""

    limits: Limits
    stage: Stage
    """Shows the progress."""

    def run(self, content: bytes) -> tuple[list[GateResult], dict[Runtime, Answers]]:
        """Run a quantised network in one runtime after the other, until a gate fails; return results and answers."""
        results: list[GateResult] = []
        answers: dict[Runtime, Answers] = {}
        for runtime in installed():
            answers[runtime] = int8_answers(content, runtime, self.validation, self.clutter, self.stage)
            results += self.compare(runtime, answers[runtime], self.limits)
            if not all(result.holds for result in results):
                break
        return results, answers

    def compare(self, runtime: Runtime, answers: Answers, limits: Limits) -> list[GateResult]:
        """Return what the gates say of the answers in one runtime, by these limits."""
        reference, logits = self.reference.faces, answers.faces
        before, after = (evaluate.count(each, self.outputs, self.validation) for each in (reference, logits))
        pair = evaluate.pair(reference, logits, self.outputs, self.validation)
        agreement = evaluate.agreement(reference, logits)
        results = [
            accuracy_kept(runtime, before.accuracy, after, limits.max_drop),
            predictions_kept(runtime, pair, agreement, limits.min_agreement),
            recalls_kept(runtime, before, after, limits.max_recall_drop),
        ]
        scores = answers.face_scores
        results += [
            face_kept(runtime, pictures, wanted, scores[pictures], limits.max_face_drift)
            for pictures, wanted in self.reference.face_scores.items()
        ]
        return results


def int8_answers(
    content: bytes, runtime: Runtime, validation: Faces, clutter: NDArray[np.uint8] | None, stage: Stage
) -> Answers:
    """Run a quantised network in one runtime on validation faces and, if there is any, clutter."""
    advance = stage(f"int8 in {runtime}", len(validation) + (0 if clutter is None else len(clutter)))
    faces = int8_runtime.logits(content, runtime, validation.pixels, advance)
    return Answers(faces, None if clutter is None else int8_runtime.logits(content, runtime, clutter, advance))
