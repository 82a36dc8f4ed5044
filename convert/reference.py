"""The float network that a model becomes, held against the model as it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convert import float_runtime, gates
from convert.errors import ModelError
from convert.face_output import answers, in_order
from convert.fold import fold
from convert.spec import Scaling
from edge.inference.bundle import FACE, softmax
from edge.vision.crops import all_resized
from train.evaluate.metrics import compare, judge, match_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from convert.gates import Check, Limits
    from convert.load import LoadedModel
    from train.datasets import Faces

USUAL: dict[str, Scaling] = {
    "0 to 255": Scaling(range=(0, 255), mean=(0,), std=(1,)),
    "0 to 1": Scaling(range=(0, 1), mean=(0,), std=(1,)),
    "-1 to 1": Scaling(range=(-1, 1), mean=(0,), std=(1,)),
    "ImageNet's mean and deviation": Scaling(range=(0, 1), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
}
"""How published networks take their pixels."""

_COMPARED = 256
_SUMS_TO_ONE = 1e-3


@dataclass(frozen=True, eq=False)
class Reference:
    """A float network from gray levels to logits."""

    source: LoadedModel
    content: bytes
    """``[1, H, W, 1]`` float32 gray levels to ``[1, K]`` logits, as a ``.tflite`` file."""

    probabilities: bool
    """Whether the source gives probabilities rather than logits."""

    check: Check
    """Whether it says the same as its source."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The bundle's, sorted by name, in the order of the logits; last the face's, where it tells that."""
        return in_order(self.source.spec.labels)

    def with_pixels(self, scaling: Scaling) -> bytes:
        """Give the network as it would be if its pixels were scaled otherwise."""
        return _folded(self.source, scaling, probabilities=self.probabilities)


def make_reference(source: LoadedModel, faces: Faces, limits: Limits, advance: Callable[[int], None]) -> Reference:
    """Fold a model's surroundings into it and see that it still says the same.

    Args:
        source: The model as it came.
        faces: Validation faces, of which some are compared.
        limits: What the gates allow.
        advance: Is told how many more faces are done.

    Raises:
        ModelError: It gives the face's answer as one of the probabilities.
    """
    spec = source.spec
    some = faces.pixels[_some(len(faces))]
    given = source.run(spec.scaling.apply(all_resized(some, spec.width, spec.height)))
    advance(len(some))
    probabilities = are_probabilities(given)
    content = _folded(source, spec.scaling, probabilities=probabilities)
    if probabilities and FACE in spec.labels:
        message = f"{source.path}: its outputs sum to 1, but {FACE} has to be a logit of its own, outside the softmax"
        raise ModelError(message)
    labels = in_order(spec.labels)
    ordered = given[:, _order(source)]
    wanted = ordered if probabilities else answers(ordered, labels)
    converted = answers(float_runtime.logits(content, some, advance), labels)
    check = gates.same_as_source(wanted, converted, limits.max_difference)
    return Reference(source, content, probabilities, check)


def read_as_trained(
    reference: Reference, logits: NDArray[np.float32], faces: Faces, limits: Limits, advance: Callable[[int], None]
) -> list[Check]:
    """See whether labels and pixels are those that the model was trained with.

    Args:
        reference: The float network.
        logits: ``(N, K)``, its answers.
        faces: The ``N`` validation faces.
        limits: What the gates allow.
        advance: Is told how many more faces are done.
    """
    order = gates.labels_in_order(judge(softmax(logits), reference.labels, faces), limits.max_misread)
    if not order.holds:  # then no scaling could be told from another
        return [order]
    some = faces.select(_some(len(faces)))
    mine = match_labels(softmax(logits[_some(len(faces))]), reference.labels, faces.labels)
    others = {}
    for name, scaling in USUAL.items():
        if other := _fitting(scaling, reference.source.spec.scaling):
            rows = float_runtime.logits(reference.with_pixels(other), some.pixels, advance)
            theirs = match_labels(softmax(rows), reference.labels, faces.labels)
            others[name] = (judge(theirs, faces.labels, some).accuracy, compare(theirs, mine, some.truth))
    accuracy = judge(mine, faces.labels, some).accuracy
    return [order, gates.pixels_as_trained(accuracy, others, limits.max_misread)]


def _some(count: int) -> NDArray[np.intp]:
    return np.linspace(0, count - 1, min(_COMPARED, count)).astype(np.intp)


def _order(source: LoadedModel) -> list[int]:
    return [source.spec.labels.index(label) for label in in_order(source.spec.labels)]


def _folded(source: LoadedModel, scaling: Scaling, *, probabilities: bool) -> bytes:
    return fold(source.network, scaling, _order(source), probabilities=probabilities)


def are_probabilities(rows: NDArray[np.float32]) -> bool:
    """Tell whether all ``(N, K)`` rows are distributions; logits are not by chance."""
    return bool((rows >= 0).all() and np.abs(rows.sum(axis=1) - 1).max() < _SUMS_TO_ONE)


def _fitting(scaling: Scaling, own: Scaling) -> Scaling | None:
    """Give a scaling for as many channels as the network's own; None if it has another number or is the same."""
    channels = len(own.mean)
    if len(scaling.mean) not in {1, channels}:
        return None
    wide = scaling.for_channels(channels)
    same = all(np.allclose(a, b) for a, b in zip(wide.affine(), own.affine(), strict=True))
    return None if same else wide
