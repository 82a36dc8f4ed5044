"""The figures as a table, a column for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from train.simulation.figures import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.bench.report import BoxCounts
    from train.simulation.figures import MethodFigures, Share


def table(every: Sequence[MethodFigures]) -> Table:
    """Return the figures of the same videos as a table."""
    one = every[0]
    laid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("", *(f.name for f in every)):
        laid.add_column(column, no_wrap=True)
    n = f"{one.sequences} sequences, {one.frames:,} frames, {one.people} people"
    laid.caption = f"{n}, {one.recall.of:,} faces wholly in a frame"

    def row(name: str, cell: Callable[[MethodFigures], str]) -> None:
        laid.add_row(name, *(cell(f) for f in every))

    if one.people:
        row("faces found", lambda f: _percent(f.recall))
        for size in one.recall_by_size:
            laid.add_row(f"  {size} pixels", *(_percent(f.recall_by_size[size]) for f in every))
        row("  of those that naive finds", lambda f: _percent(f.recall_of_naive))
    row("false faces in 1,000 frames", lambda f: _rate(f.boxes, f.boxes.false))
    if one.people:
        row("boxes of the wrong size", lambda f: _rate(f.boxes, f.boxes.wrong_size))
        row("lingering boxes", lambda f: _rate(f.boxes, f.boxes.lingering))
        row("duplicate boxes of a face", lambda f: _rate(f.boxes, f.boxes.duplicate))
        row("people to notice", lambda f: str(f.noticing.people))
        row("  seconds, median", lambda f: _seconds(f.noticing.median_s))
        row("  seconds, 95th percentile", lambda f: _seconds(f.noticing.p95_s))
        row("  seconds, most", lambda f: _seconds(f.noticing.most_s))
        row(f"  within {SOON_S} s", lambda f: _percent(f.noticing.soon))
        row("people found", lambda f: str(f.last_right.of))
        row("  changes of id", lambda f: "-" if f.switches is None else str(f.switches))
        row("  last emotion right", lambda f: _with_interval(f.last_right))
        row("    uncertain", lambda f: _percent(f.last_uncertain))
        row("  right on perfect crops", lambda f: _with_interval(f.clean_right))
        row("    uncertain", lambda f: _percent(f.clean_uncertain))
        row("  right on camera's crops", lambda f: _with_interval(f.noisy_right))
    row("processor ms a frame", lambda f: f"{f.cpu_ms:.2f}")
    row("  without reading emotions", lambda f: f"{f.detection_cpu_ms:.2f}")
    return laid


def _rate(boxes: BoxCounts, count: int) -> str:
    """Return a rate in 1,000 frames with the number of boxes that it is from."""
    return f"{boxes.per_1000(count):.1f} ({count})"


def _percent(share: Share | None) -> str:
    return "-" if share is None or share.part is None else f"{share.part:.1%}"


def _with_interval(share: Share) -> str:
    if share.part is None:
        return "-"
    low, high = share.interval
    return f"{share.part:.0%} {100 * low:.0f}-{100 * high:.0f}"  # four methods within 80 columns


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.2f}"
