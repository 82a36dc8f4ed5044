"""From a model to a bundle, or to what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from convert import card as cards
from convert import float_runtime, gates, worker
from convert.confidence import calibrate
from convert.errors import ModelError
from convert.face_output import emotions
from convert.load import load
from convert.quantize.activations import noise
from convert.quantize.representative import representative
from convert.quantize.search import Judge, quantize_until_good
from convert.reference import make_reference, read_as_trained
from edge.inference.bundle import FACE
from edge.inference.runtime import installed
from edge.vision.crops import all_resized
from train import datasets
from train.datasets.negatives import clutter
from train.evaluate.metrics import run_once
from train.evaluate.protocols import load_tests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from convert.gates import Check, Limits
    from convert.quantize.search import Trial
    from convert.reference import Reference
    from edge.inference.bundle import Card
    from edge.inference.runtime import Runtime
    from train.datasets import Faces, LabelProtocol, Split
    from train.progress import Stage

    Key = tuple[Split, LabelProtocol]
    Rows = dict[Key, NDArray[np.float32]]

SEED = 1
"""Of every draw; the same model and faces give the same bundle."""

_NOISE_FACES = 32
"""Faces of the representative set that the layers' noise is measured on."""


@dataclass(frozen=True)
class Data:
    """Where the labelled faces are, and how many of them show the activations' ranges."""

    fer2013: Path
    ferplus: Path
    calibration_faces: int

    def tests(self, protocol: LabelProtocol) -> dict[Key, Faces]:
        """Load what a model is judged by."""
        tests = load_tests(self.fer2013, self.ferplus)
        tests["PublicTest", protocol] = datasets.load(protocol, "PublicTest", self.fer2013, self.ferplus)
        return tests

    def are_faces(self, protocol: LabelProtocol) -> NDArray[np.bool_]:
        """Tell which of the validation faces are faces at all."""
        return datasets.are_faces(protocol, "PublicTest", self.fer2013, self.ferplus)

    def representative(self, protocol: LabelProtocol, *, with_clutter: bool) -> NDArray[np.uint8]:
        """Draw the representative set; what is no face takes an eighth of it, for a model that tells that."""
        others = self.calibration_faces // 8 if with_clutter else 0
        faces = datasets.load(protocol, "Training", self.fer2013, self.ferplus)
        chosen = representative(faces, self.calibration_faces - others, SEED)
        return np.concatenate([chosen, clutter(others, None, SEED)]) if others else chosen


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a model."""

    checks: tuple[Check, ...]
    trials: tuple[Trial, ...]
    layers: tuple[dict[str, Any], ...]
    """A row for each operator of the last trial, with its noise."""

    card: Card | None
    """None where a gate fails."""


def make(path: Path, name: str, data: Data, limits: Limits, stage: Stage) -> Outcome:
    """Load, fold, quantise and judge a model.

    Raises:
        ModelError: It cannot be read or converted.
        DataError: The faces are missing or damaged.
    """
    if not installed():
        message = "no TFLite runtime is installed to check the model in; 'pip install ai-edge-litert'"
        raise ModelError(message)
    stage(f"reading {path.name}", 0)
    source = load(path)
    key: Key = ("PublicTest", source.spec.protocol)
    tests = data.tests(source.spec.protocol)
    reference = make_reference(source, tests[key], limits, stage("float against its source", 0))
    if not reference.check.holds:
        return Outcome((reference.check,), (), (), None)
    rows = run_once(partial(float_runtime.logits, reference.content, advance=stage("float", _faces(tests))), tests)
    found = (reference.check, *read_as_trained(reference, rows[key], tests[key], limits, stage("other pixels", 0)))
    if not all(check.holds for check in found):
        return Outcome(found, (), (), None)

    faces = data.representative(source.spec.training, with_clutter=FACE in reference.labels)
    sized = all_resized(faces, source.spec.width, source.spec.height)
    judge_by = Judge(reference.labels, rows[key], tests[key], limits, stage)
    trials = tuple(quantize_until_good(path, reference, sized, judge_by))
    stage("the layers' noise", 0)
    last = trials[-1]
    layers = tuple(cards.layers(last, noise(last.reference, last.content, sized[:_NOISE_FACES])))
    found += last.checks
    if not last.holds:
        return Outcome(found, trials, layers, None)
    return _finish(name, data, reference, trials, layers, tests, rows, found, len(faces), limits, stage)


def _finish(  # noqa: PLR0913, PLR0917  # all that a card is made of
    name: str,
    data: Data,
    reference: Reference,
    trials: Sequence[Trial],
    layers: Sequence[dict[str, Any]],
    tests: Mapping[Key, Faces],
    rows: Rows,
    found: Sequence[Check],
    representative_faces: int,
    limits: Limits,
    stage: Stage,
) -> Outcome:
    """Measure what is reported, and write it into the card."""
    spec = reference.source.spec
    key: Key = ("PublicTest", spec.protocol)
    reported = {key: faces for key, faces in tests.items() if key[0] == "PrivateTest"}
    quantised: dict[Runtime, Rows] = {
        runtime: run_once(
            partial(
                worker.logits,
                trials[-1].content,
                runtime,
                advance=stage(f"test faces in {runtime}", _faces(reported)),
            ),
            reported,
        )
        for runtime in installed()
    }
    validated = trials[-1].logits
    # The first runtime is the one that edge takes unless told otherwise.
    first, *others = validated.values()
    confidence = calibrate(first, reference.labels, tests[key], data.are_faces(spec.protocol))
    agreeing = gates.agreement(*(emotions(given, reference.labels) for given in (first, others[0]))) if others else None
    found = [*found, *gates.reported(agreeing, trials[-1].anatomy.parameters)]
    metrics = cards.measure(reference.labels, reported, rows, quantised)
    metrics["validation"] = cards.measure_validation(
        reference.labels, spec.protocol, tests[key], rows[key], validated, confidence
    )
    more = {"quantisation": cards.quantisation(trials, representative_faces, SEED, limits), "layers": list(layers)}
    card = cards.make_card(name, spec, reference.labels, trials, found, confidence, metrics, more)
    return Outcome(tuple(found), tuple(trials), tuple(layers), card)


def _faces(tests: Mapping[Key, Faces]) -> int:
    """Count the faces of the largest set of each split: how many different ones there are, or a few less."""
    largest: dict[str, int] = {}
    for (split, _), faces in tests.items():
        largest[split] = max(largest.get(split, 0), len(faces))
    return sum(largest.values())
