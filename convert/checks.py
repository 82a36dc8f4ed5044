"""The gates that a converted model has to pass before it becomes a bundle.

Each gives what it measured, the limit, and whether it holds. What a gate exists for is
said where it is; what is only reported has no limit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from convert import isolated
from edge.errors import BundleError
from edge.runtime import installed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from convert.anatomy import Anatomy
    from edge.runtime import Runtime
    from train.evaluate import Metrics, Pair

_ROUNDING = 1e-9
_BY_CHANCE = 0.01
"""A gain that chance brings with a greater probability is none."""

_ENOUGH = 100
"""Faces of a label from which on its own recall is guarded."""


@dataclass(frozen=True)
class Limits:
    """What the gates allow. A looser value than these is written into the card."""

    max_difference: float = 1e-3
    """Largest difference of a probability between the model as it came and the float network."""

    max_misread: float = 2.0
    """Points of accuracy that another order of labels or another scaling of pixels may win."""

    max_drop: float = 0.5
    """Points of accuracy that int8 may lose."""

    min_agreement: float = 97.0
    """Percent of faces that int8 and float have to answer alike."""

    max_recall_drop: float = 3.0
    """Points of recall that a label with 100 faces or more may lose."""

    max_bytes: int = 8_000_000
    """Of the file; a Pi Zero 2 W has 512 MB for everything."""

    max_macs: int = 600_000_000
    """Multiply-accumulates of a face."""

    max_arena: int = 8_000_000
    """Bytes of activations."""

    def loosened(self) -> dict[str, float]:
        """Give the limits that are looser than the project's own."""
        own = Limits()
        found = {}
        for field in fields(self):
            ours, theirs = getattr(own, field.name), getattr(self, field.name)
            if theirs < ours if field.name.startswith("min") else theirs > ours:
                found[field.name] = theirs
        return found


@dataclass(frozen=True)
class Check:
    """What a gate measured and whether it holds."""

    name: str
    measured: str
    limit: str
    """Empty where the figure is only reported."""

    holds: bool
    sentence: str
    """What is wrong and by how much, or what was found; empty where the figure says all."""


def same_as_source(source: NDArray[np.float32], converted: NDArray[np.float32], limit: float) -> Check:
    """The float network gives the probabilities of the model as it came: scaling, layout and labels are right.

    Args:
        source: ``(N, C)`` probabilities by the framework that the model is of.
        converted: ``(N, C)`` of the float network, for the same faces.
        limit: Largest difference of one probability.
    """
    difference = float(np.abs(source - converted).max()) if np.isfinite(converted).all() else float("inf")
    holds = difference <= limit
    return Check(
        name="float as the source",
        measured=f"{difference:.1e}",
        limit=f"{limit:.0e}",
        holds=holds,
        sentence=f"on {len(source)} faces a probability differs by {difference:.2g} from the model as it came"
        + ("" if holds else f", but {limit:.0e} is allowed: pixels, layout or labels are not read alike"),
    )


def labels_in_order(exact: Metrics, limit: float) -> Check:
    """No other order of the labels fits the answers better: the one that was named is the network's.

    The best order is the assignment of answers to labels with the most right answers.
    Kuhn, "The Hungarian method for the assignment problem", 1955.
    """
    confusion = np.array(exact.confusion)
    truths, answers = linear_sum_assignment(confusion, maximize=True)
    gain = 100 * float(confusion[truths, answers].sum() / exact.n - exact.accuracy)
    holds = gain <= limit
    moved = [
        f"what it calls {exact.labels[a]} is {exact.labels[t]}" for t, a in zip(truths, answers, strict=True) if t != a
    ]
    return Check(
        name="order of the labels",
        measured=f"{gain:.2f} points by another",
        limit=f"{limit:.2f} points",
        holds=holds,
        sentence="no other order of the labels fits better"
        if holds
        else f"in another order of the labels {gain:.1f} points more faces would be right: {'; '.join(moved)}",
    )


def pixels_as_trained(accuracy: float, others: Mapping[str, tuple[float, Pair]], limit: float) -> Check:
    """No other usual scaling of the pixels is read much better: the one that was named is what it was trained on.

    Args:
        accuracy: With the scaling that was named.
        others: By the name of another scaling: its accuracy on the same faces, and the pair's comparison.
        limit: Points that another may be better by.
    """
    name, (best, pair) = max(others.items(), key=lambda item: item[1][0])
    gain = 100 * (best - accuracy)
    holds = gain <= limit or pair.p > _BY_CHANCE
    return Check(
        name="scaling of the pixels",
        measured=f"{gain:+.2f} points by another",
        limit=f"{limit:.2f} points",
        holds=holds,
        sentence="no other usual scaling is read better"
        if holds
        else f"with pixels as {name} it reads {best:.1%} of {pair.n} validation faces instead of {accuracy:.1%}; "
        "range, mean or std are not those of its training",
    )


def all_integer(anatomy: Anatomy) -> Check:
    """No tensor of the network is float: integer kernels run all of it."""
    count = len(anatomy.float_tensors)
    names = ", ".join(sorted(set(anatomy.float_operators))) or "no operator"
    return Check(
        name="float tensors",
        measured=str(count),
        limit="0",
        holds=not count,
        sentence=(
            f"{count} tensors are float, at {names}; first: {anatomy.float_tensors[0]}"
            if count
            else f"all {len(anatomy.layers)} operators are integer"
        ),
    )


def as_contracted(content: bytes, anatomy: Anatomy, labels: Sequence[str]) -> Check:
    """Input and output are what the bundle's contract says, as the runtime and the file see them."""
    wrong = _breach(content, anatomy, labels)
    return Check(
        name="input and output",
        measured="differs" if wrong else f"uint8 to int8 [1, {len(labels)}]",
        limit=f"uint8 to int8 [1, {len(labels)}]",
        holds=wrong is None,
        sentence=wrong or "one uint8 face with scale 1 in, int8 logits out",
    )


def _breach(content: bytes, anatomy: Anatomy, labels: Sequence[str]) -> str | None:
    shapes = (*anatomy.input_shapes, *anatomy.output_shapes)
    if len(anatomy.input_shapes) != 1 or len(anatomy.input_shapes[0]) != 4:
        return f"its inputs are {anatomy.input_shapes}, but one of [1, height, width, 1] is wanted"
    if any(size < 1 for shape in shapes for size in shape):
        return f"a size is left open: {shapes}"
    if anatomy.output_names != ("logits",):
        return f"the signature's outputs are {list(anatomy.output_names)}, but 'logits' is wanted"
    if anatomy.output_shapes != ((1, len(labels)),):
        return f"its outputs are {anatomy.output_shapes}, but {len(labels)} labels are named"
    black = np.zeros((1, *anatomy.input_shapes[0][1:3]), np.uint8)
    for runtime in installed():
        try:
            isolated.logits(content, runtime, black)
        except BundleError as error:
            return str(error)
    return None


def small_enough(content: bytes, anatomy: Anatomy, limits: Limits) -> list[Check]:
    """A Pi can hold it and run it: bytes, multiply-accumulates and memory of the activations."""
    return [
        Check(
            name=name,
            measured=f"{value:,}",
            limit=f"{limit:,}",
            holds=value <= limit,
            sentence=f"{value:,} {what}" + ("" if value <= limit else f", but {limit:,} are allowed"),
        )
        for name, what, value, limit in (
            ("size", "bytes", len(content), limits.max_bytes),
            ("multiply-accumulates", "multiply-accumulates a face", anatomy.macs, limits.max_macs),
            ("arena", "bytes of activations", anatomy.arena, limits.max_arena),
        )
    ]


def accuracy_kept(runtime: Runtime, exact: Metrics, quantised: Metrics, limit: float) -> Check:
    """Int8 in one runtime is at most `limit` percentage points worse than float on the same faces."""
    drop = 100 * (exact.accuracy - quantised.accuracy)
    holds = drop <= limit + _ROUNDING
    return Check(
        name=f"drop in {runtime}",
        measured=f"{drop:+.2f} points",
        limit=f"{limit:.2f} points",
        holds=holds,
        sentence=f"int8 {quantised.accuracy:.2%} and float {exact.accuracy:.2%} of {exact.n:,} validation faces "
        f"in {runtime}: {drop:.2f} points lost" + ("" if holds else f", {drop - limit:.2f} more than allowed"),
    )


def answers_kept(runtime: Runtime, pair: Pair, agreement: float, limit: float) -> Check:
    """Int8 in one runtime gives nearly every face the answer that float gives it, right or wrong.

    Equal accuracy can hide that other faces are right; McNemar's test is told beside it.
    """
    percent = 100 * agreement
    holds = percent >= limit - _ROUNDING
    return Check(
        name=f"agreement in {runtime}",
        measured=f"{percent:.2f} %, McNemar p {pair.p:.2g}",
        limit=f"{limit:.2f} %",
        holds=holds,
        sentence=f"int8 in {runtime} answers {percent:.2f} % of {pair.n:,} validation faces as float does"
        + ("" if holds else f", but {limit:.2f} % are wanted")
        + f"; only float is right on {pair.only_first}, only int8 on {pair.only_second}",
    )


def recalls_kept(runtime: Runtime, exact: Metrics, quantised: Metrics, limit: float) -> Check:
    """No label with enough faces loses much recall, whatever the others win."""
    drops = {
        label: 100 * ((found.recall or 0.0) - (quantised.recall[label].recall or 0.0))
        for label, found in exact.recall.items()
        if found.n >= _ENOUGH
    }
    if not drops:
        return Check(f"recall in {runtime}", f"no label has {_ENOUGH} faces", "", holds=True, sentence="")
    worst = max(drops, key=lambda label: drops[label])
    holds = drops[worst] <= limit + _ROUNDING
    return Check(
        name=f"recall in {runtime}",
        measured=f"{drops[worst]:+.2f} points at {worst}",
        limit=f"{limit:.2f} points",
        holds=holds,
        sentence=f"{worst} loses {drops[worst]:.2f} points of recall in {runtime} ({exact.recall[worst].n} faces)"
        + ("" if holds else f", but {limit:.2f} are allowed"),
    )


def agreement(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Give the part of faces with the same top class in two sets of ``(N, C)`` answers."""
    return float((first.argmax(axis=1) == second.argmax(axis=1)).mean())


def reported(agreeing: float | None, parameters: int) -> list[Check]:
    """Tell what has no limit: how the runtimes agree with each other, and how many parameters there are."""
    both = {} if agreeing is None else {"runtimes agree": f"{agreeing:.2%} of top classes"}
    figures = both | {"parameters": f"{parameters:,}"}
    return [Check(name, figure, "", holds=True, sentence="") for name, figure in figures.items()]


def as_card(found: Sequence[Check]) -> list[dict[str, Any]]:
    """Give the gates as they stand in a card."""
    return [
        {"gate": check.name, "measured": check.measured, "limit": check.limit, "holds": check.holds}
        for check in found
        if check.limit
    ]
