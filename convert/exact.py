"""The float network that a model becomes, held against the model as it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convert import checks, isolated
from convert.fold import fold
from convert.sidecar import Scaling
from edge.crops import resized
from edge.model import softmax
from train.evaluate import compare, judge, match_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from convert.checks import Check, Limits
    from convert.load import Source
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
class Exact:
    """A float network from gray levels to logits."""

    content: bytes
    """``[1, H, W, 1]`` float32 gray levels to ``[1, K]`` logits, as a ``.tflite`` file."""

    labels: tuple[str, ...]
    """The bundle's, sorted by name, in the order of the logits."""

    checks: tuple[Check, ...]
    """Whether it is the model as it came."""


def make_exact(source: Source, faces: Faces, limits: Limits, advance: Callable[[int], None]) -> Exact:
    """Fold a model's surroundings into it and see that it still says the same.

    Args:
        source: The model as it came.
        faces: Validation faces.
        limits: What the gates allow.
        advance: Is told how many more faces are done.
    """
    spec = source.spec
    some = faces.select(np.linspace(0, len(faces) - 1, min(_COMPARED, len(faces))).astype(np.intp))
    labels = tuple(sorted(spec.labels))
    order = [spec.labels.index(label) for label in labels]
    sized = np.stack([resized(face, spec.width, spec.height) for face in some.pixels])
    given = source.run(spec.scaling.apply(sized))
    probabilities = are_probabilities(given)
    content = fold(source.network, spec.scaling, order, probabilities=probabilities)
    advance(len(some))
    wanted = (given if probabilities else softmax(given))[:, order]
    converted = softmax(isolated.logits(content, "litert", some.pixels, advance))
    found = [checks.same_as_source(wanted, converted, limits.max_difference)]
    if found[0].holds:
        mine = match_labels(converted, labels, some.labels)
        others = {}
        for name, scaling in USUAL.items():
            if other := _fitting(scaling, spec.scaling):
                network = fold(source.network, other, order, probabilities=probabilities)
                theirs = match_labels(
                    softmax(isolated.logits(network, "litert", some.pixels, advance)), labels, some.labels
                )
                right = float((theirs.argmax(axis=1) == some.truth).mean())
                others[name] = (right, compare(theirs, mine, some.truth))
        accuracy = judge(converted, labels, some).accuracy
        found.append(checks.pixels_as_trained(accuracy, others, limits.max_misread))
    return Exact(content, labels, tuple(found))


def are_probabilities(rows: NDArray[np.float32]) -> bool:
    """Tell whether all ``(N, K)`` rows are distributions; logits are not by chance."""
    return bool((rows >= 0).all() and np.abs(rows.sum(axis=1) - 1).max() < _SUMS_TO_ONE)


def _fitting(scaling: Scaling, own: Scaling) -> Scaling | None:
    """Give a scaling for as many channels as the network's own; None if it has another number or is the same."""
    channels = len(own.mean)
    if len(scaling.mean) not in {1, channels}:
        return None
    wide = Scaling(
        range=scaling.range,
        mean=np.broadcast_to(scaling.mean, channels).tolist(),
        std=np.broadcast_to(scaling.std, channels).tolist(),
    )
    same = all(np.allclose(a, b) for a, b in zip(wide.affine(), own.affine(), strict=True))
    return None if same else wide
