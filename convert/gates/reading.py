"""Whether the model is read as it was trained: its pixels, its layout, its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest

from convert.gates.limits import option
from convert.gates.result import GateResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from train.evaluate.metrics import Metrics, Pair

_BY_CHANCE = 0.01
"""A gain that chance brings with a greater probability is none."""


def same_as_source(
    source: NDArray[np.float32], converted: NDArray[np.float32], limit: float, *, simplified: bool = False
) -> GateResult:
    """The float network gives the probabilities of the model as it came: scaling, layout and labels are right.

    Args:
        source: ``(N, C)`` probabilities by the framework that the model is of.
        converted: ``(N, C)`` of the float network, for the same faces.
        limit: Largest difference of one probability.
        simplified: Whether the model did not run as it came, but only as onnxsim simplified it.
    """
    difference = float(np.abs(source - converted).max()) if np.isfinite(converted).all() else float("inf")
    holds = difference <= limit
    return GateResult(
        gate="float as the source",
        measured=f"{difference:.1e}" + (", simplified by onnxsim" if simplified else ""),
        limit=f"{limit:.0e}",
        holds=holds,
        sentence=f"on {len(source)} faces a probability differs by {difference:.2g} from the model as it came"
        + ("" if holds else f", but {limit:.0e} is allowed: pixels, layout or labels are not read alike"),
        option=option("max_difference", difference),
    )


def labels_in_order(reference: Metrics, limit: float, least_p: float) -> GateResult:
    """No other order of the labels fits the predictions better: the one that was named is the network's.

    The best order is the assignment of predictions to labels that makes most of them right.
    Kuhn, "The Hungarian method for the assignment problem", 1955.

    Rare labels make few points. So of the faces that are right in one of the two orders alone, it is also tested
    whether chance would let so many be right in the other one. Sign test, exact and one-sided.

    Args:
        reference: Of the float network.
        limit: Points that another order may win.
        least_p: Probability by chance below which another order may not win.
    """
    confusion = np.array(reference.confusion)
    truths, predictions = linear_sum_assignment(confusion, maximize=True)
    gain = 100 * float(confusion[truths, predictions].sum() / reference.n - reference.accuracy)
    others = truths != predictions
    lost, won = confusion[truths, truths][others].sum(), confusion[truths, predictions][others].sum()
    p = float(binomtest(int(won), int(won + lost), alternative="greater").pvalue) if won else 1.0
    failed = [
        option(name, measured)
        for name, measured, holds in (("max_misread", gain, gain <= limit), ("min_order_p", p, p >= least_p))
        if not holds
    ]
    moved = [
        f"what it calls {reference.labels[prediction]} is {reference.labels[truth]}"
        for truth, prediction in zip(truths, predictions, strict=True)
        if truth != prediction
    ]
    return GateResult(
        gate="order of the labels",
        measured=f"{gain:.2f} points, p {p:.2g}",
        limit=f"{limit:g} points, p {least_p:g}",
        holds=not failed,
        sentence=f"in another order of the labels {gain:.1f} points more faces would be right "
        f"({won} become right, {lost} wrong): {'; '.join(moved)}"
        if failed
        else "no other order of the labels fits better",
        option=" ".join(failed),
    )


def pixels_as_trained(accuracy: float, others: Mapping[str, tuple[float, Pair]], limit: float) -> GateResult:
    """No other usual scaling of the pixels is read much better: the one that was named is what it was trained on.

    Args:
        accuracy: With the scaling that was named.
        others: By the name of another scaling: its accuracy on the same faces, and the pair's comparison.
        limit: Points that another may be better by.
    """
    name, (best, pair) = max(others.items(), key=lambda item: item[1][0])
    gain = 100 * (best - accuracy)
    holds = gain <= limit or pair.p > _BY_CHANCE
    return GateResult(
        gate="scaling of the pixels",
        measured=f"{gain:+.2f} points",
        limit=f"{limit:.2f} points",
        holds=holds,
        sentence="no other usual scaling is read better"
        if holds
        else f"with pixels as {name} it reads {best:.1%} of {pair.n} validation faces instead of {accuracy:.1%}; "
        "range, mean or std are not those of its training",
        option=option("max_misread", gain),
    )
