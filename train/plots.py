"""Plots of a training report, as PNG bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from convert.peers.measure import Measured
    from train.evaluate.metrics import Metrics

_TRAINING, _VALIDATION = "#8da0b3", "#c2410c"


def curves(history: Mapping[str, Sequence[float]], name: str) -> bytes:
    """Draw loss and accuracy over the epochs."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    _curve(loss, history, "loss")
    _curve(accuracy, history, "accuracy")
    loss.set_title("Loss", loc="left", fontweight="bold")
    accuracy.set_title("Accuracy", loc="left", fontweight="bold")
    accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    best = max(history["val_accuracy"])
    accuracy.axhline(best, color=_VALIDATION, linewidth=0.8, linestyle=":")
    accuracy.annotate(
        f"best {best:.1%}", (1, best), xycoords=("axes fraction", "data"), xytext=(-2, 3),
        textcoords="offset points", ha="right", color=_VALIDATION, fontsize=9,
    )  # fmt: skip
    loss.legend(frameon=False)
    figure.suptitle(
        f"{name}: training sees augmented faces, validation the averaged weights", fontsize=10, color="0.35"
    )
    return _png(figure)


def _curve(axes: Axes, history: Mapping[str, Sequence[float]], column: str) -> None:
    epochs = range(1, len(history[column]) + 1)
    marker = "o" if len(history[column]) == 1 else None
    axes.plot(epochs, history[column], color=_TRAINING, linewidth=1.8, marker=marker, label="training")
    axes.plot(epochs, history[f"val_{column}"], color=_VALIDATION, linewidth=1.8, marker=marker, label="validation")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


def confusion(metrics: Metrics, title: str) -> bytes:
    """Draw the confusion matrix: colour and percentage are parts of a row, small figures count faces."""
    figure = Figure(figsize=(7.4, 6.6), layout="constrained")
    _matrix(figure.subplots(), metrics.confusion, metrics.labels, title)
    return _png(figure)


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
        _matrix(axes, counts, labels, title)
    last, *empty = places[len(matrices) :]
    _reliability(last, bins)
    for axes in empty:
        axes.set_axis_off()
    return _png(figure)


def _reliability(axes: Axes, bins: Sequence[Sequence[float]]) -> None:
    n, confidence, accuracy = (np.array(column) for column in zip(*(b for b in bins if b[0]), strict=True))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, linestyle=":")
    axes.vlines(confidence, confidence, accuracy, color="0.8", linewidth=1.2)
    axes.scatter(
        confidence, accuracy, s=12 + 500 * n / n.sum(), color=_VALIDATION, alpha=0.8, linewidth=0, clip_on=False
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("how sure it says it is")
    axes.set_ylabel("how often it is right")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Reliability; a dot's size is its share of the faces", loc="left", fontsize=11, fontweight="bold")


def _matrix(axes: Axes, confusion: Sequence[Sequence[int]], labels: Sequence[str], title: str) -> None:
    counts = np.array(confusion)
    totals = counts.sum(axis=1)
    parts = counts / np.maximum(totals[:, None], 1)
    axes.imshow(parts, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if parts[row, column] > 0.55 else "0.15"
            weight = "bold" if row == column else "normal"
            axes.text(column, row - 0.08, f"{parts[row, column]:.0%}", ha="center", color=color, fontweight=weight)
            axes.text(column, row + 0.28, f"{count}", ha="center", color=color, fontsize=7)
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, [f"{label} ({n})" for label, n in zip(labels, totals, strict=True)])
    axes.set_xticks(np.arange(len(totals) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(totals) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth (faces)")
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=12)


def face_scores(faces: NDArray[np.float32], others: Mapping[str, NDArray[np.float32]], limit: float) -> bytes:
    """Draw which part of faces a limit on the score drops, and which part of what is none it keeps.

    Args:
        faces: ``(N,)`` scores.
        others: The same of what is none, by where it is from.
        limit: The bundle's own.
    """
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    limits = np.linspace(0, 1, 401)
    axes.plot(limits, [(faces < at).mean() for at in limits], color=_VALIDATION, linewidth=2, label="faces dropped")
    for (name, scores), style in zip(others.items(), ("-", "--", ":", "-."), strict=False):
        part = [(scores >= at).mean() for at in limits]
        axes.plot(limits, part, color=_TRAINING, linewidth=1.8, linestyle=style, label=f"kept of {name}")
    axes.axvline(limit, color="0.4", linewidth=0.8)
    axes.annotate(f"{limit:.2f}", (limit, 1), xytext=(3, -8), textcoords="offset points", color="0.3", fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("least face score")
    axes.set_title("Faces dropped, and others kept", loc="left", fontweight="bold")
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return _png(figure)


def frontier(models: Sequence[Measured]) -> bytes:
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
            axes.set_xscale("log")
            axes.margins(x=0.12)
            axes.xaxis.set_major_formatter("{x:g}")
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
    return _png(figure)


def _level(axes: Axes, one: Measured, accuracy: float) -> None:
    """Draw an accuracy whose cost is not known as a line."""
    axes.axhline(accuracy, color="0.7", linewidth=0.9, linestyle="--" if one.model.published else ":")
    axes.annotate(
        _label(one), (1, accuracy), xycoords=("axes fraction", "data"), xytext=(0, 2), textcoords="offset points",
        ha="right", fontsize=8, color="0.45",
    )  # fmt: skip


def _spot(axes: Axes, one: Measured, x: float, accuracy: float, placed: Sequence[tuple[float, float]]) -> None:
    color = _VALIDATION if one.ours else "0.35"
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


def _label(one: Measured) -> str:
    return f"{one.model.name} ({one.model.remark})" if one.model.remark else one.model.name


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    return buffer.getvalue()
