"""Calibrate a bundle again: temperature, balance and thresholds, by the mean of the views, without another network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convert import card as cards
from convert import page
from convert.confidence import calibrate
from convert.logits import int8_views
from convert.recheck import validation_of
from edge.inference.bundle import ModelBundle
from edge.inference.runtime import installed
from train.evaluate.protocols import training_protocol

if TYPE_CHECKING:
    from pathlib import Path

    from convert.faces import Key, LabelledFaces
    from edge.inference.card import Card
    from train.datasets import LabelProtocol
    from train.progress import Stage


def recalibrate(path: Path, data: LabelledFaces, stage: Stage) -> Card:
    """Return the card of a bundle with its calibration made anew from the validation faces.

    Raises:
        BundleError: It is no valid bundle.
        ModelError: The card does not say by which labels the bundle is evaluated, or is not one of `convert`.
        DataError: The faces are missing or damaged.
    """
    bundle = ModelBundle.load(path)
    stated = validation_of(path, bundle.card)
    page.make(bundle.card, path.name)  # a card of which none can be made is refused before the work
    protocol: LabelProtocol = stated.protocol
    decides: Key = ("PublicTest", protocol)
    tests = {key: faces for key, faces in data.tests(protocol).items() if key[0] == "PrivateTest" or key == decides}
    faces = tests[decides]
    runtime = next(iter(installed()))
    views = int8_views(path.read_bytes(), runtime, bundle.outputs, tests, stage)
    known = bundle.card.calibration.priors
    priors = dict(zip(bundle.labels, known, strict=True)) if known else data.priors(training_protocol(protocol))
    confidence = calibrate(views[decides], bundle.outputs, faces, data.are_faces(protocol), priors)
    measured = cards.measure_calibration(views[decides], bundle.outputs, faces, confidence)
    metrics = {**bundle.card.metrics, "validation": {**bundle.card.metrics["validation"], **measured}}
    metrics = cards.add_views(metrics, views, bundle.outputs, tests, confidence.temperature, runtime)
    return bundle.card.model_copy(update={"calibration": cards.calibration(confidence), "metrics": metrics})
