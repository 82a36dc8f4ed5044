"""The curves of all systems side by side, whether they were trained to their end or not."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from train.plots import as_png, draw_curve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from train.systems import System

_COLUMNS = 3


def curves(systems: Sequence[System]) -> bytes:
    """Return the picture of `figure` as a PNG file."""
    return as_png(figure(systems))


def figure(systems: Sequence[System]) -> Figure:
    """Draw the accuracy of training and validation faces over the epochs, a panel for each system that has some.

    Both are of the first head's labels, without augmentation, with the averaged weights. An axis goes to the last epoch
    that is planned.
    """
    drawn = [(system, history) for system in systems if (history := _history(system))]
    rows = max(1, ceil(len(drawn) / _COLUMNS))
    drawing = Figure(figsize=(10, 0.6 + 1.9 * rows), layout="constrained")
    panels = drawing.subplots(rows, _COLUMNS, sharey=True, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, (system, history) in zip(panels, drawn, strict=False):
        axes.set_axis_on()
        _panel(axes, system, history)
    if drawn:
        drawing.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    return drawing


def _history(system: System) -> Mapping[str, Sequence[float]] | None:
    """Return the epochs of a system; None where it has none, as a forest."""
    history = system.reports[0].history if system.reports else system.history
    return history if system.recipe.network.gradients else None


def _panel(axes: Axes, system: System, history: Mapping[str, Sequence[float]]) -> None:
    done, planned = len(history["val_accuracy"]), system.recipe.schedule.epochs
    draw_curve(axes, history, "accuracy")
    axes.set_title(f"{system.recipe.name}, {done} of {planned}", loc="left", fontsize=9, fontweight="bold")
    axes.set_xlim(0, planned + 1)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(labelsize=8)
