"""Plots of a conversion and of the frontier, as PNG bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from train.plots import STRONG, as_png, draw_matrix, logarithmic_x

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from convert.peers.measure import PeerFigures


def conversion(
    matrices: Mapping[str, Sequence[Sequence[int]]], labels: Sequence[str], bins: Sequence[Sequence[float]]
) -> bytes:
    """Draw confusion matrices and a reliability diagram, two in a row.

    Args:
        matrices: Counts by title; a row per true label.
        labels: Of rows and columns.
        bins: ``(faces, mean confidence, accuracy)`` of each bin of confidence.
    """
    rows = (len(matrices) + 2) // 2
    figure = Figure(figsize=(15, 6.8 * rows), layout="constrained")
    places = list(np.ravel(figure.subplots(rows, 2)))
    for axes, (title, counts) in zip(places, matrices.items(), strict=False):
        draw_matrix(axes, counts, labels, title)
    last, *empty = places[len(matrices) :]
    _reliability(last, bins)
    for axes in empty:
        axes.set_axis_off()
    return as_png(figure)


def _reliability(axes: Axes, bins: Sequence[Sequence[float]]) -> None:
    n, confidence, accuracy = (np.array(column) for column in zip(*(b for b in bins if b[0]), strict=True))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, linestyle=":")
    axes.vlines(confidence, confidence, accuracy, color="0.8", linewidth=1.2)
    axes.scatter(confidence, accuracy, s=12 + 500 * n / n.sum(), color=STRONG, alpha=0.8, linewidth=0, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("how sure it says it is")
    axes.set_ylabel("how often it is right")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Reliability; a dot's size is its share of the faces", loc="left", fontsize=11, fontweight="bold")


def frontier(models: Sequence[PeerFigures]) -> bytes:
    """Draw accuracy over arithmetic and over time, a row for each set of labels; ours are filled."""
    figure = Figure(figsize=(12, 9), layout="constrained")
    rows = figure.subplots(2, 2, sharex="col", sharey="row")
    for row, (which, title) in zip(rows, (("ferplus", "FER+ majority"), ("fer2013", "FER2013")), strict=True):
        for axes, cost in zip(row, ("million_macs", "fastest_ms"), strict=True):
            known = [(one, getattr(one, cost), getattr(one.model, which)) for one in models]
            told = [(one, x, accuracy) for one, x, accuracy in known if accuracy is not None]
            placed = [(x, accuracy) for _, x, accuracy in told if x is not None]
            for one, x, accuracy in told:
                if x is None:
                    _level(axes, one, accuracy)
                else:
                    _spot(axes, one, x, accuracy, placed)
            logarithmic_x(axes)
            axes.margins(x=0.12)
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.set_title(title, loc="left", fontweight="bold")
            axes.grid(color="0.93")
            axes.spines[["top", "right"]].set_visible(False)
    rows[1][0].set_xlabel("million multiply-accumulates a face")
    rows[1][1].set_xlabel("milliseconds a face, one thread, LiteRT, the faster of int8 and float32")
    figure.suptitle(
        "Full: ours. Rings: others, on the same faces. Crosses and dashes: as their authors say. Lines: cost unknown.",
        fontsize=10, color="0.35", x=0.01, ha="left",
    )  # fmt: skip
    return as_png(figure)


def _level(axes: Axes, one: PeerFigures, accuracy: float) -> None:
    """Draw an accuracy whose cost is not known as a line."""
    axes.axhline(accuracy, color="0.7", linewidth=0.9, linestyle="--" if one.model.published else ":")
    axes.annotate(
        _label(one), (1, accuracy), xycoords=("axes fraction", "data"), xytext=(0, 2), textcoords="offset points",
        ha="right", fontsize=8, color="0.45",
    )  # fmt: skip


def _spot(axes: Axes, one: PeerFigures, x: float, accuracy: float, placed: Sequence[tuple[float, float]]) -> None:
    color = STRONG if one.ours else "0.35"
    if one.model.published:
        axes.scatter([x], [accuracy], marker="x", color=color, s=60, zorder=3)
    else:
        axes.scatter([x], [accuracy], facecolors=color if one.ours else "none", edgecolors=color, s=60, zorder=3)
    # A label goes to the left where another model or the edge is to the right, and down where one is at the same place.
    near = [(cost / x, a - accuracy) for cost, a in placed if abs(a - accuracy) < 0.015]
    left = any(1.1 < times < 2.5 for times, _ in near) or x == max(cost for cost, _ in placed)
    down = any(0.9 < times < 1.1 and higher > 0 for times, higher in near)
    axes.annotate(
        _label(one) if one.model.published else one.model.name, (x, accuracy),
        xytext=(-7 if left else 7, -12 if down else 4), textcoords="offset points",
        ha="right" if left else "left", fontsize=8, color=color,
    )  # fmt: skip


def _label(one: PeerFigures) -> str:
    return f"{one.model.name} ({one.model.remark})" if one.model.remark else one.model.name
