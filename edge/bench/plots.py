"""Pictures of a report as SVG elements, which take their colours from the page's style sheet."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.bench.report import CompareReport, GrowthReport, MethodReport, StageReport

_WIDTH, _LEFT, _RIGHT, _ROW = 360, 66, 76, 28
"""Units of a picture, of the names on its left, of the room for figures on its right, of a row. A unit is a pixel on a
small phone and 1.3 on a desktop, so that the text can be read on both."""


def stages(found: Mapping[str, StageReport]) -> str:
    """Return an SVG of each stage's times, logarithmic: box from p50 to p95, line to p99, dot at the longest."""
    ran = {
        name: times
        for name, stage in found.items()
        if (times := [ms for ms in (stage.p50_ms, stage.p95_ms, stage.p99_ms, stage.max_ms) if ms is not None])
    }
    decades = [math.log10(max(ms, 1e-3)) for times in ran.values() for ms in times]
    low, high = math.floor(min(decades, default=0)), math.ceil(max(decades, default=0))
    high = max(high, low + 1)

    def x(ms: float) -> float:
        return _LEFT + (math.log10(max(ms, 1e-3)) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    bottom = _ROW * len(ran) + 8
    parts = [_tick(x(10.0**decade), bottom, f"{10.0**decade:g}") for decade in range(low, high + 1)]
    for row, (name, (p50, p95, p99, most)) in enumerate(ran.items()):
        middle = _ROW * row + _ROW / 2 + 4
        parts += [
            _text(_LEFT - 8, middle, name, "end"),
            f'<line class="whisker" x1="{x(p95):.1f}" x2="{x(p99):.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>',
            _rect(x(p50), middle - 9, max(x(p95) - x(p50), 2), 18, "soft"),
            _rect(x(p50) - 1.5, middle - 9, 3, 18, "full"),
            f'<circle class="full" cx="{x(most):.1f}" cy="{middle:.1f}" r="3"/>',
            _text(x(most) + 9, middle, f"{p50:.2f} / {p95:.2f}", "start", "faint"),
        ]
    return _picture(bottom + 24, parts, "Milliseconds of each stage")


def compare(found: CompareReport) -> str:
    """Return an SVG of each method's cost: CPU time above, wall-clock time below."""
    most = max(max(method.cpu_ms_per_frame, method.wall_ms_per_frame) for method in found.methods.values())
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    parts = []
    for row, (name, method) in enumerate(found.methods.items()):
        top = (_ROW + 12) * row + 6
        parts.append(_text(_LEFT - 8, top + 17, name, "end"))
        for line, (ms, kind) in enumerate(((method.cpu_ms_per_frame, "CPU"), (method.wall_ms_per_frame, "wall"))):
            y, style = top + 18 * line, "full" if kind == "CPU" else "soft"
            parts += [
                _rect(_LEFT, y, max(ms * scale, 1), 15, style),
                _text(_LEFT + ms * scale + 8, y + 8, f"{ms:.2f} {kind}", "start", "faint"),
            ]
    return _picture((_ROW + 12) * len(found.methods) + 8, parts, "Milliseconds a frame of each method")


def frontier(found: Mapping[str, MethodReport]) -> str:
    """Return an SVG of recall over CPU time, logarithmic: dot for detection and tracking, line to all with reading.

    Args:
        found: Methods whose accuracy is known, with a face to find at least.
    """
    top, bottom = 28.0, 180.0
    recall = {name: one.accuracy.found_faces / one.accuracy.whole_faces for name, one in found.items() if one.accuracy}
    least = max(0.0, min(0.9, math.floor(10 * min(recall.values()) - 0.5) / 10))  # with room below the lowest dot
    costs = [max(ms, 1e-2) for one in found.values() for ms in (one.detection_cpu_ms_per_frame, one.cpu_ms_per_frame)]
    low, high = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))

    def x(ms: float) -> float:
        return _LEFT + (math.log10(max(ms, 1e-2)) - low) / max(high - low, 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(part: float) -> float:
        return bottom - (part - least) / (1 - least) * (bottom - top)

    parts = [_tick(x(10.0**decade), bottom, f"{10.0**decade:g}") for decade in range(low, high + 1)]
    for level in (least, (1 + least) / 2, 1.0):
        parts += [
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(level):.1f}" y2="{y(level):.1f}"/>',
            _text(_LEFT - 8, y(level), f"{100 * level:.0f} %", "end", "faint"),
        ]
    for name, one in found.items():
        along, end, height = x(one.detection_cpu_ms_per_frame), x(one.cpu_ms_per_frame), y(recall[name])
        parts += [
            f'<line class="whisker" x1="{along:.1f}" x2="{end:.1f}" y1="{height:.1f}" y2="{height:.1f}"/>',
            f'<circle class="full" cx="{along:.1f}" cy="{height:.1f}" r="4"/>',
            _text(along, height + (-12 if _above(name, found, recall) else 14), name, "middle"),
        ]
    return _picture(bottom + 24, parts, "Recall by CPU milliseconds a frame")


def _above(name: str, found: Mapping[str, MethodReport], recall: Mapping[str, float]) -> bool:
    """Whether a method's name stands above its dot: where it finds more than the one whose cost is nearest."""

    def distance(other: str) -> float:
        costs = (max(found[each].detection_cpu_ms_per_frame, 1e-2) for each in (name, other))
        return abs(math.log(next(costs) / next(costs)))

    nearest = min((other for other in found if other != name), key=distance, default=name)
    return (recall[name], name) > (recall[nearest], nearest)


def growth(found: tuple[GrowthReport, ...]) -> str:
    """Return an SVG of the CPU time over the number of people; dashed: if each cost as much as one alone."""
    bottom, top = 180.0, 26.0
    last = found[-1]
    one = next(step for step in found if step.people == 1).cpu_ms_per_frame
    most = max(*(step.cpu_ms_per_frame for step in found), one * last.people)

    def at(people: float, ms: float) -> tuple[float, float]:
        along = people / last.people
        return _LEFT + along * (_WIDTH - _LEFT - _RIGHT), bottom - ms / most * (bottom - top)

    points = [at(step.people, step.cpu_ms_per_frame) for step in found]
    proportional = [at(0, 0), at(last.people, one * last.people)]
    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>',
        f'<polyline class="dashed" points="{_points(proportional)}"/>',
        f'<polyline class="curve" points="{_points(points)}"/>',
        _text(proportional[1][0] + 8, proportional[1][1], "K times one", "start", "faint"),
        _text(_LEFT - 14, bottom + 18, "people", "end", "faint"),
        _text(_LEFT - 8, top, "CPU ms", "end", "faint"),
    ]
    for step, (x, y) in zip(found, points, strict=True):
        parts += [
            f'<circle class="full" cx="{x:.1f}" cy="{y:.1f}" r="4"/>',
            _text(x, y + 17 if y + 24 < bottom else y - 14, f"{step.cpu_ms_per_frame:.1f}", "middle", "faint"),
            _text(x, bottom + 18, str(step.people), "middle"),
        ]
    return _picture(bottom + 36, parts, "CPU milliseconds a frame by the number of people")


def _picture(height: float, parts: Iterable[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


def _tick(x: float, bottom: float, label: str) -> str:
    line = f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom:.1f}"/>'
    return line + _text(x, bottom + 13, label, "middle", "faint")


def _rect(x: float, y: float, width: float, height: float, style: str) -> str:
    return f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"/>'


def _text(x: float, y: float, text: str, anchor: str, style: str = "ink") -> str:
    """Return a text whose middle is at that height."""
    return f'<text class="{style}" x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
