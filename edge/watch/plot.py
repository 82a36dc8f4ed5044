"""A plot of the emotions over time: a band for each device, in it a lane for each face at the same time."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, DateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from edge.palette import colour, order
from edge.text import printable
from edge.watch.timeline import Gap

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from edge.watch.timeline import FaceTimeline, Timeline

_WIDTH, _DPI = 12.0, 130
_TALLEST = 60.0
"""Inches; with more devices the bands become thinner."""

_BAND = 0.7
"""Part of its row that a device's band fills."""

_GAPS = {Gap.OFFLINE: ("#fbe9e7", "#d9a29b"), Gap.NO_CAMERA: ("#fdf3d8", "#cdb46a")}
_LOST = "#d11f2e"
_INK, _FAINT = "0.25", "0.85"


def draw(timelines: Mapping[str, Timeline], end: datetime, zone: tzinfo | None) -> bytes:
    """Return a PNG of the timelines that hold something.

    Args:
        timelines: By device; at least one that has begun.
        end: The end of the time axis.
        zone: The time zone of the axis; None: this machine's.
    """
    known = {name: line for name, line in sorted(timelines.items()) if line.begin}
    begin = min(line.begin for line in known.values() if line.begin)
    end = max(end, begin + timedelta(seconds=1))
    figure = Figure(figsize=(_WIDTH, min(_TALLEST, 1.6 + 0.5 * len(known))), layout="constrained")
    axes = figure.subplots()
    seen: set[str | Gap] = set()
    for place, line in enumerate(known.values()):
        seen |= _band(axes, place, line, end)
    axes.set_xlim(_number(begin), _number(end))
    axes.set_ylim(len(known) - 0.4, -0.6)
    axes.set_yticks(range(len(known)), [printable(name, 32) for name in known])
    _style_axes(axes, begin.astimezone(zone), end.astimezone(zone))
    handles = _legend(seen, lost=any(line.losses for line in known.values()))
    figure.legend(
        handles=handles, loc="outside upper left", ncols=11 if len(handles) <= 11 else 7, frameon=False, fontsize=9,
        handlelength=1.1, handleheight=1.0, columnspacing=1.4,
    )  # fmt: skip
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # names and emotions are others', and a $ in them is no formula
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _band(axes: Axes, place: int, line: Timeline, end: datetime) -> set[str | Gap]:
    """Draw one device; return what the legend has to explain."""
    begin, top = line.begin or end, place - _BAND / 2
    axes.plot([_number(begin), _number(end)], [place, place], color=_FAINT, linewidth=1.2, zorder=1)
    gaps = line.gaps(end)
    for gap in gaps:
        fill, lines = _GAPS[Gap(gap.what)]
        axes.broken_barh(
            [_bar(gap.begin, gap.end)], (top, _BAND), facecolor=fill, edgecolor=lines, hatch="///", linewidth=0,
            zorder=2,
        )  # fmt: skip
    spans_of_lanes = [[span for track in lane for span in track.spans(begin, end)] for lane in lanes(line)]
    height = _BAND / max(1, len(spans_of_lanes))
    filled = height * (0.94 if len(spans_of_lanes) > 1 else 1)
    for number, spans in enumerate(spans_of_lanes):
        axes.broken_barh(
            [_bar(span.begin, span.end) for span in spans], (top + number * height, filled),
            facecolors=[colour(str(span.what)) for span in spans], linewidth=0, zorder=3,
        )  # fmt: skip
    if line.losses:
        at = [_number(at) for at, _ in line.losses]
        axes.vlines(at, top - 0.06, top + _BAND, color=_LOST, linewidth=1.2, zorder=4)
        axes.plot(at, [top - 0.09] * len(at), "v", color=_LOST, markersize=5, clip_on=False, zorder=5)
    return {*(span.what for spans in spans_of_lanes for span in spans), *(gap.what for gap in gaps)}


def lanes(line: Timeline) -> list[list[FaceTimeline]]:
    """Return the faces in lanes: faces that are there at the same time are in different ones."""
    result: list[list[FaceTimeline]] = []
    for track in sorted((track for track in line.tracks.values() if track.steps), key=lambda track: track.steps[0][0]):
        begin = track.steps[0][0]
        free = (lane for lane in result if (last := lane[-1].end) is not None and last <= begin)
        lane = next(free, None)
        if lane is None:
            result.append([track])
        else:
            lane.append(track)
    return result


def _style_axes(axes: Axes, begin: datetime, end: datetime) -> None:
    locator = AutoDateLocator(tz=begin.tzinfo, minticks=5, maxticks=12)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    length = end - begin
    ticks = "%H:%M:%S" if length < timedelta(minutes=10) else "%H:%M" if length < timedelta(days=2) else "%d %b %H:%M"
    axes.xaxis.set_major_formatter(DateFormatter(ticks, tz=begin.tzinfo))  # type: ignore[no-untyped-call]
    axes.grid(axis="x", color="0.92", zorder=0)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelcolor=_INK)
    same_day = begin.date() == end.date()
    until = f"{end:%H:%M:%S}" if same_day else f"{end:%d %B %Y %H:%M}"
    label = f"{begin:%d %B %Y}, {begin:%H:%M:%S} to {until}" if same_day else f"{begin:%d %B %Y %H:%M} to {until}"
    axes.set_xlabel(f"{label} {begin.tzname()}", loc="left", color="0.45", fontsize=9)


def _legend(seen: set[str | Gap], *, lost: bool) -> list[Artist]:
    emotions = sorted((what for what in seen if isinstance(what, str)), key=order)
    result: list[Artist] = [Patch(color=colour(emotion), label=printable(emotion)) for emotion in emotions]
    result.append(Line2D([], [], color=_FAINT, label="nobody"))
    for gap, (fill, lines) in _GAPS.items():
        if gap in seen:
            result.append(Patch(facecolor=fill, edgecolor=lines, hatch="////", linewidth=0, label=gap.value))
    if lost:
        result.append(Line2D([], [], color=_LOST, marker="v", markersize=5, linewidth=1.2, label="lost events"))
    return result


def _number(at: datetime) -> float:
    return float(date2num(at))  # type: ignore[no-untyped-call]


def _bar(begin: datetime, end: datetime) -> tuple[float, float]:
    return _number(begin), _number(end) - _number(begin)
