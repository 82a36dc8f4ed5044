"""The figures as a plot: what is found for how much processor time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from edge.bench.methods import MethodName
from train.plots import QUIET, STRONG, as_png, logarithmic_x

if TYPE_CHECKING:
    from collections.abc import Sequence

    from train.simulation.figures import MethodFigures


def frontier(every: Sequence[MethodFigures]) -> bytes:
    """Draw recall over processor time, logarithmic, of methods on the same videos, as PNG bytes.

    A dot is the cost of detection and tracking, the line beside it leads to the cost with the reading of emotions.
    """
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    cheapest_first = sorted(every, key=lambda one: one.detection_cpu_ms)
    for turn, one in enumerate(cheapest_first):
        color = STRONG if one.name == MethodName.OURS else QUIET
        recall = one.recall.part or 0.0
        axes.plot([one.detection_cpu_ms, one.cpu_ms], [recall, recall], color=color, linewidth=2, zorder=2)
        axes.scatter([one.detection_cpu_ms], [recall], color=color, s=70, zorder=3)
        # Neighbours are often as good and nearly as cheap: every second name stands above.
        axes.annotate(
            f"{one.name}\n{one.boxes.per_1000(one.boxes.false):.1f} false", (one.detection_cpu_ms, recall),
            xytext=(0, -9 if turn % 2 == 0 else 9), textcoords="offset points", ha="center",
            va="top" if turn % 2 == 0 else "bottom", fontsize=9, color="0.25",
        )  # fmt: skip
    logarithmic_x(axes)
    axes.margins(x=0.15, y=0.35)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("CPU ms a frame; dot: detection and tracking, line: to reading emotions too")
    axes.set_ylabel("faces found")
    axes.set_title("Faces found by cost, and false faces in 1,000 frames", loc="left", fontweight="bold", fontsize=11)
    axes.grid(color="0.93")
    axes.spines[["top", "right"]].set_visible(False)
    return as_png(figure)
