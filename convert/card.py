"""Say everything about a converted model: what it is, what was measured, and what was allowed."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.face_output import emotions
from convert.gates import agreement, as_card
from edge.inference.bundle import FACE, Calibration, Card, InputCard, softmax
from edge.inference.runtime import installed
from train.evaluate.metrics import compare, judge, match_labels, reliability
from train.evaluate.protocols import TESTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from convert.confidence import Confidence
    from convert.gates import Check, Limits
    from convert.quantize.search import Trial
    from convert.spec import Spec
    from edge.inference.runtime import Runtime
    from train.datasets import Faces, LabelProtocol, Split

    Key = tuple[Split, LabelProtocol]
    Rows = NDArray[np.float32]

_PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
_DIGITS = 5


def make_card(  # noqa: PLR0913, PLR0917  # a card says eight things
    name: str,
    spec: Spec,
    labels: Sequence[str],
    trials: Sequence[Trial],
    gates: Sequence[Check],
    confidence: Confidence,
    metrics: Mapping[str, Any],
    more: Mapping[str, Any],
) -> Card:
    """Make the card. It holds no time and no path: equal models give equal cards.

    Args:
        name: The bundle's name.
        spec: What is known of the model.
        labels: In the order of the logits.
        trials: How it was quantised; the last one is the bundle.
        gates: All of them.
        confidence: Temperature and least confidence, with what they were chosen by.
        metrics: What was measured, as it goes into the card.
        more: What else goes into it.
    """
    last = trials[-1]
    anatomy = last.anatomy
    return Card.model_validate(
        {
            "name": name,
            "version": tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["version"],
            "sha256": hashlib.sha256(last.content).hexdigest(),
            "labels": tuple(label for label in labels if label != FACE),
            "input": InputCard(width=spec.width, height=spec.height),
            "calibration": Calibration(
                temperature=confidence.temperature,
                min_confidence=confidence.min_confidence,
                min_face_score=confidence.min_face_score,
            ),
            "trained": spec.trained,
            "metrics": dict(metrics),
            "macs": anatomy.macs,
            "parameters": anatomy.parameters,
            "bytes": len(last.content),
            "arena": anatomy.arena,
            "operators": anatomy.operators,
            "min_runtime": anatomy.min_runtime,
            "runtimes": dict(installed()),
            "gates": as_card(gates),
            **more,
        }
    )


def quantisation(trials: Sequence[Trial], faces: int, seed: int, limits: Limits) -> dict[str, Any]:
    """Say how it was quantised, what was tried before, and which limits were loosened."""
    return {
        "way": str(trials[-1].way),
        "representative_faces": faces,
        "seed": seed,
        "tried_before": [
            {"way": str(trial.way), "failed": [check.sentence for check in trial.checks if not check.holds]}
            for trial in trials[:-1]
        ],
        "loosened": limits.loosened(),
    }


def measure(
    labels: Sequence[str],
    tests: Mapping[Key, Faces],
    reference: Mapping[Key, Rows],
    quantised: Mapping[Runtime, Mapping[Key, Rows]],
) -> dict[str, Any]:
    """Give the accuracies on every protocol's test faces, float and int8."""

    def accuracy(rows: Rows, faces: Faces) -> float:
        return round(judge(softmax(rows), labels, faces).accuracy, _DIGITS)

    return {
        protocol.replace("-", "_"): {
            "n": len(tests["PrivateTest", protocol]),
            "float": accuracy(reference["PrivateTest", protocol], tests["PrivateTest", protocol]),
            "int8": {
                runtime: accuracy(rows["PrivateTest", protocol], tests["PrivateTest", protocol])
                for runtime, rows in quantised.items()
            },
        }
        for protocol in TESTED
    }


def measure_validation(
    labels: Sequence[str],
    protocol: LabelProtocol,
    faces: Faces,
    reference: Rows,
    quantised: Mapping[Runtime, Rows],
    confidence: Confidence,
) -> dict[str, Any]:
    """Give all that the validation faces say: what the gates decided by, and the picture of it."""
    before = judge(softmax(reference), labels, faces)
    after = {runtime: judge(softmax(rows), labels, faces) for runtime, rows in quantised.items()}
    first = next(iter(quantised))
    said = match_labels(softmax(reference), labels, faces.labels)
    pairs = {
        runtime: compare(said, match_labels(softmax(rows), labels, faces.labels), faces.truth)
        for runtime, rows in quantised.items()
    }
    calibrated = match_labels(softmax(quantised[first], confidence.temperature), labels, faces.labels)
    return {
        "protocol": protocol,
        "n": before.n,
        "float": round(before.accuracy, _DIGITS),
        "int8": {runtime: round(found.accuracy, _DIGITS) for runtime, found in after.items()},
        "judged": {"float": before.model_dump()} | {runtime: found.model_dump() for runtime, found in after.items()},
        "agreement": {
            f"{first} = {other}": round(agreement(emotions(quantised[first], labels), emotions(rows, labels)), _DIGITS)
            for other, rows in (("float", reference), *quantised.items())
            if other != first
        },
        "mcnemar": {
            runtime: {"only_float": pair.only_first, "only_int8": pair.only_second, "p": round(pair.p, _DIGITS)}
            for runtime, pair in pairs.items()
        },
        "calibration_error": {
            "before": round(confidence.error_before, 4),
            "after": round(confidence.error_after, 4),
        },
        "reliability": [
            [bin_.n, round(bin_.confidence, 4), round(bin_.accuracy, 4)]
            for bin_ in reliability(calibrated, faces.truth)
        ],
    }


def layers(trial: Trial, noise: Mapping[str, float]) -> list[dict[str, Any]]:
    """Give a row for each operator; `noise` is the signal-to-noise ratio of what it writes, in dB."""
    return [
        {
            "operator": layer.operator,
            "name": layer.name,
            "output": list(layer.output),
            "macs": layer.macs,
            "parameters": layer.parameters,
            "snr_db": round(noise[layer.name], 1) if layer.name in noise else None,
        }
        for layer in trial.anatomy.layers
    ]
