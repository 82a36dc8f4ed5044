"""The card of a converted model: what it is, what was measured, and what was allowed."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert import evaluate
from convert.confidence import are_known
from convert.gates import as_card
from edge.inference.adjustment import logit_adjustment
from edge.inference.card import Calibration, Card, InputCard
from edge.inference.runtime import installed
from train.evaluate.metrics import reliability
from train.evaluate.protocols import TESTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convert.confidence import Confidence
    from convert.faces import Key
    from convert.gates import GateResult, Limits
    from convert.quantize.search import Trial
    from convert.spec import ModelSpec
    from edge.inference.outputs import Logits, OutputLabels
    from edge.inference.runtime import Runtime
    from train.datasets import Faces, LabelProtocol

_PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
_DIGITS = 6


def make_card(  # noqa: PLR0913, PLR0917  # a card says seven things
    name: str,
    spec: ModelSpec,
    trial: Trial,
    results: Sequence[GateResult],
    confidence: Confidence,
    metrics: Mapping[str, Any],
    more: Mapping[str, Any],
) -> Card:
    """Return the card. It holds no time and no path: equal models give equal cards.

    Args:
        name: The bundle's name.
        spec: What is known of the model.
        trial: The one that becomes the bundle.
        results: Of all gates.
        confidence: Temperature and least confidence, with what they were chosen by.
        metrics: What was measured, as it goes into the card.
        more: What else goes into it.
    """
    summary = trial.summary
    return Card.model_validate(
        {
            "name": name,
            "version": tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["version"],
            "sha256": hashlib.sha256(trial.content).hexdigest(),
            "labels": spec.outputs.emotions,
            "input": InputCard(width=spec.width, height=spec.height),
            "calibration": calibration(confidence),
            "trained": spec.trained,
            "metrics": dict(metrics),
            "macs": summary.macs,
            "parameters": summary.parameters,
            "bytes": len(trial.content),
            "arena": summary.arena,
            "operators": summary.operators,
            "min_runtime": summary.min_runtime,
            "runtimes": dict(installed()),
            "gates": as_card(results),
            **more,
        }
    )


def calibration(confidence: Confidence) -> Calibration:
    """Return what the card says of calibration."""
    return Calibration(
        temperature=confidence.temperature,
        min_confidence=confidence.min_confidence,
        min_face_score=confidence.min_face_score,
        balance=confidence.balance,
        priors=confidence.priors,
    )


def measure_calibration(
    views: Sequence[Logits], outputs: OutputLabels, faces: Faces, confidence: Confidence
) -> dict[str, Any]:
    """Return what was measured of the calibration on the validation faces: of the mean over the views."""
    adjustment = logit_adjustment(confidence.priors, confidence.balance) if confidence.priors else None
    known = are_known(outputs, faces)
    calibrated = evaluate.matched_mean(views, outputs, faces, confidence.temperature, adjustment)
    return {
        "calibration_error": {
            "before": round(confidence.error_before, 4),
            "after": round(confidence.error_after, 4),
        },
        "reliability": [
            [bin_.n, round(bin_.confidence, 4), round(bin_.accuracy, 4)]
            for bin_ in reliability(calibrated[known], faces.truth[known])
        ],
        "balance": [
            {name: round(value, _DIGITS) for name, value in asdict(each).items()} for each in confidence.balances[::5]
        ],
    }


def quantisation(trials: Sequence[Trial], faces: int, seed: int, limits: Limits) -> dict[str, Any]:
    """Return how it was quantised, what was tried before, and which limits were loosened."""
    return {
        "way": str(trials[-1].method),
        "representative_faces": faces,
        "seed": seed,
        "tried_before": [
            {"way": str(trial.method), "failed": [result.sentence for result in trial.results if not result.holds]}
            for trial in trials[:-1]
        ],
        "loosened": limits.loosened(),
    }


def measure(
    outputs: OutputLabels,
    tests: Mapping[Key, Faces],
    reference: Mapping[Key, Logits],
    quantised: Mapping[Runtime, Mapping[Key, Logits]],
) -> dict[str, Any]:
    """Return the accuracies on every protocol's test faces, float and int8."""

    def accuracy(logits: Mapping[Key, Logits], key: Key) -> float:
        return round(evaluate.count(logits[key], outputs, tests[key]).accuracy, _DIGITS)

    keys: list[Key] = [("PrivateTest", protocol) for protocol in TESTED]
    return {
        _name(key[1]): {
            "n": len(tests[key]),
            "float": accuracy(reference, key),
            "int8": {runtime: accuracy(logits, key) for runtime, logits in quantised.items()},
        }
        for key in keys
    }


def measure_validation(
    spec: ModelSpec, faces: Faces, reference: Logits, quantised: Mapping[Runtime, Logits]
) -> dict[str, Any]:
    """Return what was measured on the validation faces: what the gates decided by, and what the page shows.

    All is of one pass.
    """
    outputs = spec.outputs
    before = evaluate.count(reference, outputs, faces)
    after = {runtime: evaluate.count(logits, outputs, faces) for runtime, logits in quantised.items()}
    pairs = {runtime: evaluate.pair(reference, logits, outputs, faces) for runtime, logits in quantised.items()}
    first = next(iter(quantised))
    others: list[tuple[str, Logits]] = [("float", reference), *quantised.items()]
    return {
        "protocol": spec.protocol,
        "n": before.n,
        "float": round(before.accuracy, _DIGITS),
        "int8": {runtime: round(found.accuracy, _DIGITS) for runtime, found in after.items()},
        "evaluation": {"float": before.model_dump()}
        | {runtime: found.model_dump() for runtime, found in after.items()},
        "agreement": {
            f"{first} = {other}": round(evaluate.agreement(quantised[first], logits), _DIGITS)
            for other, logits in others
            if other != first
        },
        "mcnemar": {
            runtime: {"only_float": pair.only_first, "only_int8": pair.only_second, "p": round(pair.p, _DIGITS)}
            for runtime, pair in pairs.items()
        },
    }


def add_views(
    metrics: Mapping[str, Any],
    views: Mapping[Key, Sequence[Logits]],
    outputs: OutputLabels,
    tests: Mapping[Key, Faces],
    temperature: float,
    runtime: Runtime,
) -> dict[str, Any]:
    """Return a card's metrics with the accuracy of the mean over the views beside that of one pass.

    Like that, it is measured without balance.
    """

    def accuracy(key: Key) -> float:
        faces = tests[key]
        predictions = evaluate.matched_mean(views[key], outputs, faces, temperature).argmax(axis=1)
        return round(float((predictions == faces.truth).mean()), _DIGITS)

    keys: dict[str, Key] = {_name(protocol): ("PrivateTest", protocol) for protocol in TESTED}
    keys["validation"] = "PublicTest", metrics["validation"]["protocol"]
    return {
        name: {**found, "four_views": {runtime: accuracy(keys[name])}} if name in keys else found
        for name, found in metrics.items()
    }


def _name(protocol: LabelProtocol) -> str:
    """Return what a protocol's test faces are called in a card."""
    return protocol.replace("-", "_")


def layers(trial: Trial, noise: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return a row for each operator; `noise` is the signal-to-noise ratio of what it writes, in dB."""
    return [
        {
            "operator": layer.operator,
            "name": layer.name,
            "output": list(layer.output),
            "macs": layer.macs,
            "parameters": layer.parameters,
            "snr_db": round(noise[layer.name], 1) if layer.name in noise else None,
        }
        for layer in trial.summary.layers
    ]
