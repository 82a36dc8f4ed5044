"""The gates again, on a bundle that is there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError

from convert import evaluate, float_runtime, gates
from convert.errors import ModelError
from convert.faces import held_out_clutter
from convert.gates import AccuracyGates
from convert.graph import parse
from convert.inspection import summarize
from convert.load import load
from convert.reference import make_reference, read_as_trained
from edge.frozen import FrozenModel, requirement
from edge.inference.bundle import ModelBundle
from edge.inference.runtime import installed
from edge.text import printable
from train.evaluate.metrics import Metrics
from train.evaluate.protocols import TestedProtocol  # the same

if TYPE_CHECKING:
    from pathlib import Path

    from convert.faces import LabelledFaces
    from convert.gates import GateResult, Limits
    from convert.load import LoadedModel
    from edge.inference.card import Card
    from edge.inference.outputs import OutputLabels
    from train.progress import Stage


def recheck(
    path: Path, source: Path | None, data: LabelledFaces, limits: Limits, stage: Stage, *, trusted: bool = False
) -> list[GateResult]:
    """Run the gates on a bundle.

    Without the model that it was made from, the float network's accuracy is taken from the card: then the gates that
    need each of its logits are not run.

    Args:
        path: The bundle's ``.tflite`` file.
        source: The model that it was made from, if it is at hand.
        data: The faces.
        limits: What the gates allow.
        stage: Shows the progress.
        trusted: Whether the model may run code of its own.

    Raises:
        BundleError: It is no valid bundle.
        ModelError: The card does not say how good the float network was by its protocol, or the model is another one.
        DataError: The faces are missing or damaged.
    """
    bundle = ModelBundle.load(path)
    content, outputs = path.read_bytes(), bundle.outputs
    results = gates.runs_on_a_pi(content, summarize(parse(content)), outputs, limits)
    if source is not None:
        stage(f"reading {source.name}", 0)
        model = load(source, trusted=trusted)
        return results + _beside(model, path, outputs, data, limits, stage)
    stated = validation_of(path, bundle.card)
    faces = data.validation(stated.protocol)
    before = stated.evaluation.get("float")
    clutter = held_out_clutter() if outputs.has_face else None
    for runtime in installed():
        answers = gates.int8_answers(content, runtime, faces, clutter, stage)
        after = evaluate.count(answers.faces, outputs, faces)
        results.append(gates.above_majority(f"accuracy in {runtime}", after, limits.min_above_majority))
        results.append(gates.accuracy_kept(runtime, stated.accuracy, after, limits.max_drop))
        if before:
            _check_labels(path, before, after)
            results.append(gates.recalls_kept(runtime, before, after, limits.max_recall_drop))
        if scores := answers.face_scores:
            gate = f"faces above clutter in {runtime}"
            results.append(gates.faces_above_clutter(gate, **scores, limit=limits.min_face_auc))
    return results


def _check_labels(path: Path, stated: Metrics, found: Metrics) -> None:
    if others := sorted(set(stated.recall) ^ set(found.recall)):
        message = (
            f"{path.with_suffix('.json')}: metrics.validation.evaluation.float has other labels than its protocol: "
            f"{printable(', '.join(others), 100)}; name the model that the bundle was made from: --model FILE"
        )
        raise ModelError(message)


class StatedValidation(FrozenModel, extra="ignore"):
    """What a card says of the float network on the validation faces: ``metrics.validation``."""

    protocol: TestedProtocol
    accuracy: Annotated[float, Field(alias="float", ge=0, le=1)]
    evaluation: dict[str, Metrics] = Field(default={})
    """By network: ``float``, and each runtime's int8; empty where the card has the accuracy alone."""


def validation_of(path: Path, card: Card) -> StatedValidation:
    """Return what the card says of the validation faces.

    Raises:
        ModelError: It says nothing, or something else.
    """
    try:
        return StatedValidation.model_validate_json(json.dumps(card.metrics.get("validation", {})))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(("metrics", "validation", *map(str, problem["loc"])))
        message = (
            f"{path.with_suffix('.json')}: the card does not say how good the float network was "
            f"({printable(place, 100)}: {requirement(problem)}); "
            "name the model that the bundle was made from: --model FILE"
        )
        raise ModelError(message) from error


def _beside(
    source: LoadedModel, path: Path, outputs: OutputLabels, data: LabelledFaces, limits: Limits, stage: Stage
) -> list[GateResult]:
    """Run the gates that need the model."""
    if source.spec.outputs != outputs:
        theirs, ours = (", ".join(each) for each in (source.spec.labels, outputs.columns))
        message = f"{source.path}: its labels are {theirs}, but {path.name} has {ours}"
        raise ModelError(message)
    validation = data.validation(source.spec.protocol)
    reference = make_reference(source, validation, limits, stage("float against its source", 0))
    if not reference.result.holds:
        return [reference.result]
    columns = float_runtime.logits(reference.network, validation.pixels, stage("float", len(validation)))
    clutter = held_out_clutter() if outputs.has_face else None
    answers = reference.answers(outputs.split(columns), clutter)
    reading = read_as_trained(reference, answers, validation, limits, stage("other pixels", 0))
    results, _ = AccuracyGates(outputs, answers, validation, clutter, limits, stage).run(path.read_bytes())
    return [reference.result, *reading, *results]
