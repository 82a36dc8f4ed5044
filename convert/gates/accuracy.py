"""Whether int8 still predicts what float predicts, in each runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convert.gates.limits import option
from convert.gates.result import GateResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.runtime import Runtime
    from train.evaluate.metrics import Metrics, Pair

_ROUNDING = 1e-9
_ENOUGH = 100
"""Faces of a label from which on its own recall is guarded."""


def above_majority(gate: str, found: Metrics, limit: float) -> GateResult:
    """A model is at least `limit` percentage points better than always predicting the most frequent label.

    Whatever else holds of a model that is not, it has learned nothing that a constant could not say.
    """
    faces = {label: recall.n for label, recall in found.recall.items()}
    most = max(faces, key=lambda label: faces[label])
    share = faces[most] / found.n
    above = 100 * (found.accuracy - share)
    holds = above >= limit - _ROUNDING
    return GateResult(
        gate=gate,
        measured=f"{found.accuracy:.1%}; always {most} {share:.1%}",
        limit=f"{limit:.2f} points above",
        holds=holds,
        sentence=f"{found.accuracy:.2%} of {found.n:,} validation faces are right; always answering {most} would make "
        f"{share:.2%} right" + ("" if holds else f", and {limit:.2f} points more are wanted"),
        option=option("min_above_majority", above) if above >= 0 else "",
    )


def accuracy_kept(runtime: Runtime, reference: float, quantised: Metrics, limit: float) -> GateResult:
    """Int8 in one runtime is at most `limit` percentage points worse than float on the same faces."""
    drop = 100 * (reference - quantised.accuracy)
    holds = drop <= limit + _ROUNDING
    return GateResult(
        gate=f"drop in {runtime}",
        measured=f"{drop:+.2f} points",
        limit=f"{limit:.2f} points",
        holds=holds,
        sentence=f"int8 {quantised.accuracy:.2%} and float {reference:.2%} of {quantised.n:,} validation faces "
        f"in {runtime}: {drop:.2f} points lost" + ("" if holds else f", {drop - limit:.2f} more than allowed"),
        option=option("max_drop", drop),
    )


def predictions_kept(runtime: Runtime, pair: Pair, agreement: float, limit: float) -> GateResult:
    """Int8 in one runtime predicts for nearly every face the label that float predicts, right or wrong.

    Equal accuracy can hide that other faces are right; McNemar's test is shown beside it.
    """
    percent = 100 * agreement
    holds = percent >= limit - _ROUNDING
    return GateResult(
        gate=f"agreement in {runtime}",
        measured=f"{percent:.2f} %, McNemar p {pair.p:.2g}",
        limit=f"{limit:.2f} %",
        holds=holds,
        sentence=f"int8 in {runtime} answers {percent:.2f} % of {pair.n:,} validation faces as float does"
        + ("" if holds else f", but {limit:.2f} % are wanted")
        + f"; only float is right on {pair.only_first}, only int8 on {pair.only_second}",
        option=option("min_agreement", percent),
    )


def recalls_kept(runtime: Runtime, reference: Metrics, quantised: Metrics, limit: float) -> GateResult:
    """No label with enough faces loses much recall, whatever the others win."""
    drops = {
        label: 100 * ((found.recall or 0.0) - (quantised.recall[label].recall or 0.0))
        for label, found in reference.recall.items()
        if found.n >= _ENOUGH
    }
    if not drops:
        return GateResult(f"recall in {runtime}", f"no label has {_ENOUGH} faces", "", holds=True, sentence="")
    worst = max(drops, key=lambda label: drops[label])
    holds = drops[worst] <= limit + _ROUNDING
    return GateResult(
        gate=f"recall in {runtime}",
        measured=f"{drops[worst]:+.2f} points at {worst}",
        limit=f"{limit:.2f} points",
        holds=holds,
        sentence=f"{worst} loses {drops[worst]:.2f} points of recall in {runtime} ({reference.recall[worst].n} faces)"
        + ("" if holds else f", but {limit:.2f} are allowed"),
        option=option("max_recall_drop", drops[worst]),
    )


def faces_above_clutter(
    gate: str, faces: NDArray[np.float32], clutter: NDArray[np.float32], limit: float
) -> GateResult:
    """A face's score is above that of clutter for nearly every pair of the two.

    The share of those pairs, ties counted half, is the area under the ROC curve.
    Hanley & McNeil, "The Meaning and Use of the Area under a ROC Curve", Radiology 1982.

    Args:
        gate: Its name.
        faces: ``(N,)`` face scores of faces.
        clutter: ``(M,)`` face scores of other pictures.
        limit: Smallest area.
    """
    above, equal = (faces[:, None] > clutter).mean(), (faces[:, None] == clutter).mean()
    area = float(above + equal / 2)
    holds = area >= limit - _ROUNDING
    return GateResult(
        gate=gate,
        measured=f"{area:.4f}",
        limit=f"{limit:.2f}",
        holds=holds,
        sentence=f"the face score separates {len(faces):,} faces from {len(clutter):,} other pictures with an area of "
        f"{area:.4f} under the ROC curve" + ("" if holds else f", but {limit:.2f} is wanted; 0.5 is chance"),
        option=option("min_face_auc", area),
    )


def face_kept(
    runtime: Runtime, pictures: str, reference: NDArray[np.float32], quantised: NDArray[np.float32], limit: float
) -> GateResult:
    """Int8 in one runtime takes pictures for faces as float does.

    Args:
        runtime: Which.
        pictures: What they show, in a word.
        reference: ``(N,)`` face scores of the float network.
        quantised: The same of the quantised one.
        limit: Largest mean difference, in points.
    """
    moved = 100 * float(np.abs(reference - quantised).mean())
    holds = moved <= limit  # false for NaN, too
    return GateResult(
        gate=f"face score of {pictures} in {runtime}",
        measured=f"{moved:.2f} points",
        limit=f"{limit:.2f} points",
        holds=holds,
        sentence=f"int8 in {runtime} moves face scores of {pictures} by {moved:.2f} points on average"
        + ("" if holds else f", but {limit:.2f} are allowed"),
        option=option("max_face_drift", moved),
    )


def reported(agreeing: float | None, parameters: int) -> list[GateResult]:
    """Tell what has no limit: how the runtimes agree with each other, and how many parameters there are."""
    both = {} if agreeing is None else {"runtimes agree": f"{agreeing:.2%} of top classes"}
    figures = both | {"parameters": f"{parameters:,}"}
    return [GateResult(name, figure, "", holds=True, sentence="") for name, figure in figures.items()]
