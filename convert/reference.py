"""The float network that a model becomes, compared with the model as it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convert import evaluate, float_runtime, gates
from convert.errors import ModelError
from convert.face_output import check_last_layer
from convert.fold import fold
from convert.gates import Answers
from convert.scaling import USUAL
from edge.inference.labels import FACE
from edge.vision.crops import all_resized
from train.evaluate import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from convert.gates import GateResult, Limits
    from convert.graph import Graph
    from convert.load import LoadedModel
    from convert.scaling import Scaling
    from edge.inference.outputs import Logits, OutputLabels
    from train.datasets import Faces

_COMPARED = 256
_SUMS_TO_ONE = 1e-3


@dataclass(frozen=True, eq=False)
class FloatReference:
    """A float network from gray levels to logits."""

    source: LoadedModel
    network: Graph
    """``[1, H, W, 1]`` float32 gray levels to ``[1, K]`` logits, in the order of `outputs`."""

    probabilities: bool
    """Whether the source gives probabilities rather than logits."""

    result: GateResult
    """Whether it gives the same outputs as its source."""

    @property
    def outputs(self) -> OutputLabels:
        """The bundle's labels, sorted by name."""
        return self.source.spec.outputs

    def answers(self, faces: Logits, clutter: NDArray[np.uint8] | None) -> Answers:
        """Return the network's logits for faces, which are known, and, if there is any, for clutter."""
        logits = None if clutter is None else self.outputs.split(float_runtime.logits(self.network, clutter))
        return Answers(faces, logits)

    def with_pixels(self, scaling: Scaling) -> Graph:
        """Return the network as it would be if its pixels were scaled otherwise."""
        return _folded(self.source, scaling, probabilities=self.probabilities)


def make_reference(source: LoadedModel, faces: Faces, limits: Limits, advance: Callable[[int], None]) -> FloatReference:
    """Fold scaling and labels into a model, and compare its outputs with the model's own.

    Args:
        source: The model as it came.
        faces: Validation faces, of which some are compared.
        limits: What the gates allow.
        advance: Called with how many more faces are done.

    Raises:
        ModelError: It gives the face's output as one of the probabilities, or not by a dense layer.
    """
    spec = source.spec
    some = faces.pixels[_some(len(faces))]
    given = source.run(spec.scaling.apply(all_resized(some, spec.width, spec.height)))
    advance(len(some))
    probabilities = are_probabilities(given)
    network = _folded(source, spec.scaling, probabilities=probabilities)
    if probabilities and spec.outputs.has_face:
        message = f"{source.path}: its outputs sum to 1, but {FACE} has to be a logit of its own, outside the softmax"
        raise ModelError(message)
    if spec.outputs.has_face:
        check_last_layer(source.path, network)
    ordered = given[:, spec.order]
    wanted = ordered if probabilities else _predicted(spec.outputs.split(ordered))
    converted = _predicted(spec.outputs.split(float_runtime.logits(network, some, advance)))
    result = gates.same_as_source(wanted, converted, limits.max_difference, simplified=source.simplified)
    return FloatReference(source, network, probabilities, result)


def read_as_trained(
    reference: FloatReference, answers: Answers, faces: Faces, limits: Limits, advance: Callable[[int], None]
) -> list[GateResult]:
    """Check that labels and pixels are those that the model was trained with, and that it learned something.

    Args:
        reference: The float network.
        answers: Of its outputs, for the faces and for clutter.
        faces: The ``N`` validation faces.
        limits: What the gates allow.
        advance: Called with how many more faces are done.
    """
    outputs, logits = reference.outputs, answers.faces
    found = evaluate.count(logits, outputs, faces)
    order = gates.labels_in_order(found, limits.max_misread, limits.min_order_p)
    if not order.holds:  # then no scaling could be told from another
        return [order]
    chosen = _some(len(faces))
    some, mine = faces.select(chosen), evaluate.matched(logits, outputs, faces)[chosen]
    others = {}
    for name, scaling in USUAL.items():
        if other := _fitting(scaling, reference.source.spec.scaling):
            other_logits = outputs.split(float_runtime.logits(reference.with_pixels(other), some.pixels, advance))
            theirs = evaluate.matched(other_logits, outputs, some)
            others[name] = (
                metrics.evaluate(theirs, faces.labels, some).accuracy,
                metrics.compare(theirs, mine, some.truth),
            )
    accuracy = metrics.evaluate(mine, faces.labels, some).accuracy
    pixels = gates.pixels_as_trained(accuracy, others, limits.max_misread)
    results = [order, pixels, gates.above_majority("accuracy", found, limits.min_above_majority)]
    if scores := answers.face_scores:
        results.append(gates.faces_above_clutter("faces above clutter", **scores, limit=limits.min_face_auc))
    return results


def _some(count: int) -> NDArray[np.intp]:
    return np.linspace(0, count - 1, min(_COMPARED, count)).astype(np.intp)


def _folded(source: LoadedModel, scaling: Scaling, *, probabilities: bool) -> Graph:
    return fold(source.network, scaling, source.spec.order, probabilities=probabilities)


def are_probabilities(rows: NDArray[np.float32]) -> bool:
    """Return whether all ``(N, K)`` rows are distributions; logits are not by chance."""
    return bool((rows >= 0).all() and np.abs(rows.sum(axis=1) - 1).max() < _SUMS_TO_ONE)


def _predicted(logits: Logits) -> NDArray[np.float32]:
    """Return the emotions' probabilities and, last, the face's own."""
    predictions = logits.predict()
    scores = [] if predictions.face_scores is None else [predictions.face_scores]
    return np.column_stack([predictions.probabilities, *scores])


def _fitting(scaling: Scaling, own: Scaling) -> Scaling | None:
    """Return a scaling for as many channels as the network's own; None if it has another number or is the same."""
    channels = len(own.mean)
    if len(scaling.mean) not in {1, channels}:
        return None
    wide = scaling.for_channels(channels)
    same = all(np.allclose(a, b) for a, b in zip(wide.affine(), own.affine(), strict=True))
    return None if same else wide
