"""Plots of a training report, as PNG bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from train.datasets import LabelProtocol
    from train.evaluate.metrics import Metrics

QUIET, STRONG = "#8da0b3", "#c2410c"
"""Colours: of what is compared with, and of what the plot is about."""


def curves(history: Mapping[str, Sequence[float]], name: str, protocol: LabelProtocol) -> bytes:
    """Draw cross-entropy and accuracy over the epochs, of training faces and of validation faces.

    Both are measured alike: against the first head's labels, without augmentation, with the averaged weights. What
    Keras reports of training is not, and is not drawn; of histories that have nothing else, validation alone is.

    Args:
        history: Values of each epoch, by name.
        name: The model's, which may be that of another head.
        protocol: The first head's, which the figure names.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    draw_curve(loss, history, "cross_entropy" if "val_cross_entropy" in history else "loss")
    draw_curve(accuracy, history, "accuracy")
    loss.set_title("Cross-entropy" if "val_cross_entropy" in history else "Loss", loc="left", fontweight="bold")
    best = max(history["val_accuracy"])
    accuracy.set_title(f"Accuracy; validation {best:.1%} at best", loc="left", fontweight="bold")
    accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    accuracy.axhline(best, color=STRONG, linewidth=0.8, linestyle=":")
    loss.legend(frameon=False)
    figure.suptitle(
        f"{name}: labels of {protocol}, without augmentation, with the averaged weights", fontsize=10, color="0.35"
    )
    return as_png(figure)


def draw_curve(axes: Axes, history: Mapping[str, Sequence[float]], column: str) -> None:
    """Draw a value over the epochs, of training faces and of validation faces, into axes."""
    for prefix, color, label in (("seen", QUIET, "training faces"), ("val", STRONG, "validation faces")):
        values = history.get(f"{prefix}_{column}", ())
        if values:
            marker = "o" if len(values) == 1 else None
            axes.plot(range(1, len(values) + 1), values, color=color, linewidth=1.8, marker=marker, label=label)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


def confusion(metrics: Metrics, title: str) -> bytes:
    """Draw the confusion matrix: colour and percentage are parts of a row, small figures count faces."""
    figure = Figure(figsize=(7.4, 6.6), layout="constrained")
    draw_matrix(figure.subplots(), metrics.confusion, metrics.labels, title)
    return as_png(figure)


def draw_matrix(axes: Axes, confusion: Sequence[Sequence[int]], labels: Sequence[str], title: str) -> None:
    """Draw a confusion matrix of counts, a row per true label, into axes."""
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


def class_counts(counts: Mapping[str, Mapping[str, int]], title: str) -> bytes:
    """Draw how many faces each label has, a row of bars for each split: ``counts[split][label]``."""
    labels = list(next(iter(counts.values())))
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, (split, found) in zip(figure.subplots(1, len(counts), sharey=True), counts.items(), strict=True):
        values = [found[label] for label in labels]
        bars = axes.barh(range(len(labels)), values, color=QUIET)
        axes.bar_label(bars, [f"{value:,}" for value in values], fontsize=8, padding=2)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlim(0, 1.25 * max(1, *values))
        axes.set_title(f"{split}, {sum(values):,}", loc="left", fontsize=10, fontweight="bold")
        axes.set_xticks([])
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    figure.axes[0].invert_yaxis()
    figure.suptitle(f"Faces of each label, {title}", fontsize=10, color="0.35")
    return as_png(figure)


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
    axes.plot(limits, [(faces < at).mean() for at in limits], color=STRONG, linewidth=2, label="faces dropped")
    for (name, scores), style in zip(others.items(), ("-", "--", ":", "-."), strict=False):
        part = [(scores >= at).mean() for at in limits]
        axes.plot(limits, part, color=QUIET, linewidth=1.8, linestyle=style, label=f"kept of {name}")
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
    return as_png(figure)


def logarithmic_x(axes: Axes) -> None:
    """Make the x-axis logarithmic, with plain numbers at 1, 2 and 5 of each power of ten."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")


def as_png(figure: Figure) -> bytes:
    """Return the figure as a PNG file's bytes, equal for equal figures. No text in it is a formula."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # labels and names are the user's, and may have a $
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    return buffer.getvalue()
