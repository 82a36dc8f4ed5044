"""The gates again, on a bundle that is there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from convert import float_runtime, gates, worker
from convert.errors import ModelError
from convert.face_output import in_order
from convert.inspection import dissect
from convert.load import load
from convert.quantize.search import Judge
from convert.reference import make_reference, read_as_trained
from edge.inference.bundle import ModelBundle, softmax
from edge.inference.runtime import installed
from train import datasets
from train.evaluate.metrics import Metrics, judge

if TYPE_CHECKING:
    from pathlib import Path

    from convert.gates import Check, Limits
    from convert.make import Data
    from edge.inference.bundle import Card
    from train.progress import Stage


def recheck(path: Path, source: Path | None, data: Data, limits: Limits, stage: Stage) -> list[Check]:
    """Run the gates on a bundle.

    Without the model that it was made from, what float did is taken from the card: then
    the gates that need each of its answers are not run.

    Args:
        path: The bundle's ``.tflite`` file.
        source: The model that it was made from, if it is at hand.
        data: The faces.
        limits: What the gates allow.
        stage: Tells how far it is.

    Raises:
        BundleError: It is no valid bundle.
        ModelError: The card does not say how good float was, or the model is another one.
        DataError: The faces are missing or damaged.
    """
    bundle = ModelBundle.load(path)
    content, labels = path.read_bytes(), bundle.outputs.columns
    found = gates.runs_on_a_pi(content, dissect(content), labels, limits)
    if source is not None:
        return found + _beside(source, path, labels, data, limits, stage)
    validation = _validation_of(path, bundle.card)
    faces = datasets.load(validation["protocol"], "PublicTest", data.fer2013, data.ferplus)
    # Cards of the first converter have the accuracy alone.
    before = Metrics.model_validate_json(json.dumps(validation["judged"]["float"])) if "judged" in validation else None
    for runtime in installed():
        rows = worker.logits(content, runtime, faces.pixels, stage(f"int8 in {runtime}", len(faces)))
        after = judge(softmax(rows), labels, faces)
        found.append(gates.accuracy_kept(runtime, validation["float"], after, limits.max_drop))
        if before:
            found.append(gates.recalls_kept(runtime, before, after, limits.max_recall_drop))
    return found


def _validation_of(path: Path, card: Card) -> dict[str, Any]:
    """Give what the card says of the validation faces."""
    validation = card.metrics.get("validation")
    if not isinstance(validation, dict) or not {"protocol", "float"} <= set(validation):
        message = (
            f"{path.with_suffix('.json')}: the card does not say how good the float network was; "
            "name the model that the bundle was made from: --model FILE"
        )
        raise ModelError(message)
    return validation


def _beside(model: Path, path: Path, labels: tuple[str, ...], data: Data, limits: Limits, stage: Stage) -> list[Check]:
    stage(f"reading {model.name}", 0)
    source = load(model)
    if in_order(source.spec.labels) != labels:
        message = f"{model}: its labels are {', '.join(source.spec.labels)}, but {path.name} has {', '.join(labels)}"
        raise ModelError(message)
    validation = datasets.load(source.spec.protocol, "PublicTest", data.fer2013, data.ferplus)
    reference = make_reference(source, validation, limits, stage("float against its source", 0))
    if not reference.check.holds:
        return [reference.check]
    rows = float_runtime.logits(reference.content, validation.pixels, stage("float", len(validation)))
    reading = read_as_trained(reference, rows, validation, limits, stage("other pixels", 0))
    found, _ = Judge(labels, rows, validation, limits, stage)(path.read_bytes())
    return [reference.check, *reading, *found]
