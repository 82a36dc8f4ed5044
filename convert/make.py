"""From a model to a bundle, or to what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from convert import card as cards
from convert import evaluate, float_runtime, gates
from convert.confidence import calibrate
from convert.errors import ModelError
from convert.faces import SEED, held_out_clutter
from convert.gates import AccuracyGates
from convert.load import load
from convert.logits import count, int8_logits, int8_views, logits_of
from convert.quantize.activations import signal_to_noise
from convert.quantize.search import quantize_until_good
from convert.reference import make_reference, read_as_trained
from edge.inference.runtime import installed
from edge.system.packages import pip_install
from edge.vision.crops import all_resized

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from convert.faces import Key, LabelledFaces
    from convert.gates import GateResult, Limits
    from convert.quantize.search import Trial
    from convert.reference import FloatReference
    from edge.inference.card import Card
    from edge.inference.outputs import Logits
    from train.datasets import Faces
    from train.progress import Stage

_NOISE_FACES = 32
"""Faces of the representative set that the layers' noise is measured on."""


@dataclass(frozen=True, eq=False)
class Conversion:
    """What became of a model."""

    results: tuple[GateResult, ...]
    trials: tuple[Trial, ...] = ()
    layers: tuple[dict[str, Any], ...] = ()
    """A row for each operator of the last trial, with its noise."""

    card: Card | None = None
    """None if a gate fails."""


def make(
    path: Path, name: str, data: LabelledFaces, limits: Limits, stage: Stage, *, trusted: bool = False
) -> Conversion:
    """Load, fold and quantise a model, and run the gates.

    Args:
        path: The model.
        name: The bundle's name.
        data: The faces.
        limits: What the gates allow.
        stage: Shows the progress.
        trusted: Whether the model may run code of its own.

    Raises:
        ModelError: It cannot be read or converted.
        DataError: The faces are missing or damaged.
    """
    if not installed():
        message = f"no TFLite runtime is installed to check the model in: {pip_install('ai-edge-litert')}"
        raise ModelError(message)
    stage(f"reading {path.name}", 0)
    source = load(path, trusted=trusted)
    spec = source.spec
    key: Key = ("PublicTest", spec.protocol)
    tests = data.tests(spec.protocol)
    reference = make_reference(source, tests[key], limits, stage("float against its source", 0))
    if not reference.result.holds:
        return Conversion((reference.result,))
    run = partial(float_runtime.logits, reference.network, advance=stage("float", count(tests)))
    logits = logits_of(run, spec.outputs, tests)
    clutter = held_out_clutter() if spec.outputs.has_face else None
    answers = reference.answers(logits[key], clutter)
    results = (reference.result, *read_as_trained(reference, answers, tests[key], limits, stage("other pixels", 0)))
    if not all(result.holds for result in results):
        return Conversion(results)

    faces = data.representative(spec.training, with_clutter=spec.outputs.has_face)
    sized = all_resized(faces, spec.width, spec.height)
    accuracy_gates = AccuracyGates(spec.outputs, answers, tests[key], clutter, limits, stage)
    trials = tuple(quantize_until_good(path, reference, sized, accuracy_gates))
    stage("the layers' noise", 0)
    last = trials[-1]
    noise = signal_to_noise(last.quantised.reference, last.quantised.network, sized[:_NOISE_FACES])
    conversion = Conversion((*results, *last.results), trials, tuple(cards.layers(last, noise)))
    if not last.holds:
        return conversion
    return _finished(conversion, _Measured(name, data, reference, tests, logits, len(faces)), limits, stage)


@dataclass(frozen=True, eq=False)
class _Measured:
    """What is known of the float network, and by which faces."""

    name: str
    data: LabelledFaces
    reference: FloatReference
    tests: Mapping[Key, Faces]
    logits: Mapping[Key, Logits]
    representative_faces: int


def _finished(conversion: Conversion, measured: _Measured, limits: Limits, stage: Stage) -> Conversion:
    """Measure what is only reported, and make the card."""
    spec, trials, last = measured.reference.source.spec, conversion.trials, conversion.trials[-1]
    key: Key = ("PublicTest", spec.protocol)
    reported = {key: faces for key, faces in measured.tests.items() if key[0] == "PrivateTest"}
    # The first runtime is the one that edge takes unless told otherwise.
    runtime, *other_runtimes = installed()
    viewed = {key: measured.tests[key], **reported}
    views = int8_views(last.content, runtime, spec.outputs, viewed, stage)
    quantised = {runtime: {key: views[key][0] for key in reported}}
    for other in other_runtimes:
        quantised[other] = int8_logits(last.content, other, spec.outputs, reported, stage)
    confidence = calibrate(
        views[key],
        spec.outputs,
        measured.tests[key],
        measured.data.are_faces(spec.protocol),
        spec.priors or measured.data.priors(spec.training),
    )
    first, *others = last.logits.values()
    agreeing = evaluate.agreement(first, others[0]) if others else None
    results = (*conversion.results, *gates.reported(agreeing, last.summary.parameters))
    metrics = cards.measure(spec.outputs, reported, measured.logits, quantised)
    metrics["validation"] = {
        **cards.measure_validation(spec, measured.tests[key], measured.logits[key], last.logits),
        **cards.measure_calibration(views[key], spec.outputs, measured.tests[key], confidence),
    }
    metrics = cards.add_views(metrics, views, spec.outputs, viewed, confidence.temperature, runtime)
    more = {
        "quantisation": cards.quantisation(trials, measured.representative_faces, SEED, limits),
        "layers": list(conversion.layers),
    }
    card = cards.make_card(measured.name, spec, last, results, confidence, metrics, more)
    return Conversion(results, trials, conversion.layers, card)
