"""A report as sheets of text: what the terminal and the page both show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.bench.report import BenchReport, BoxCounts, CompareReport, GrowthReport


@dataclass(frozen=True)
class Sheet:
    """A table for people."""

    name: str
    """Of the part of the report that it shows: stages, compare, detection, accuracy or growth."""

    title: str
    columns: tuple[str, ...]
    """The first names the rows, the others hold figures."""

    rows: tuple[tuple[str, ...], ...]
    """Each as long as `columns`; empty text where there is no figure."""

    notes: tuple[str, ...]
    """Lines below it."""


def sheets(report: BenchReport) -> list[Sheet]:
    """Return the stages and whatever else was measured."""
    result = [_stages(report)]
    if report.compare:
        result += _compare(report.compare)
        result += _accuracy(report.compare)
    if report.growth:
        result.append(_growth(report.growth))
    return result


def _stages(report: BenchReport) -> Sheet:
    device = report.device
    rows = []
    for name, stage in report.stages.items():
        times = (stage.p50_ms, stage.p95_ms, stage.p99_ms, stage.max_ms)
        rows.append((name, str(stage.count), *(_figure(ms) for ms in times)))
    notes = [
        f"{report.frames_per_second:.0f} frames/s, {report.cpu_ms_per_frame:.2f} ms CPU a frame",
        f"{100 * report.overhead:.1f} % of the time is overhead: neither detection nor classification",
        f"{report.rss_mb:.0f} MB resident, {report.start_s:.1f} s from start to first frame",
        f"{report.model} on {device.runtime}, {report.threads} thread(s), camera {report.camera}",
    ]
    before, after = report.temperature_c
    if before is not None and after is not None:
        notes.append(f"{before:.0f} °C before, {after:.0f} °C after")
    title = f"{device.model}, {device.cores} cores, {device.os}"
    return Sheet(
        "stages", title, ("stage", "frames", "p50 ms", "p95 ms", "p99 ms", "max ms"), tuple(rows), tuple(notes)
    )


def _compare(found: CompareReport) -> list[Sheet]:
    """Return the sheet of whole methods, and that of detection and tracking alone."""
    rows, alone, notes = [], [], []
    for name, method in found.methods.items():
        costs = (method.cpu_ms_per_frame, method.cpu_ms_median, method.wall_ms_per_frame, method.faces_per_frame)
        rows.append((name, *map(_figure, costs), _count(method.ids)))
        ratio = found.ratios.get(f"ours/{name}")
        parts = (f"{ratio.detection_cpu:.3f}", f"{ratio.detection_cpu_median:.3f}") if ratio else ("", "")
        costs_alone = (method.detection_cpu_ms_per_frame, method.detection_cpu_ms_median)
        alone.append((name, *map(_figure, costs_alone), *parts))
        if ratio:
            notes.append(f"ours takes {ratio.cpu:.3f} of {name}'s CPU time, {ratio.wall:.3f} of its wall-clock time")
    notes.append("ids: how many different ones the faces had")
    frames = next(iter(found.methods.values())).frames
    columns = ("method", "CPU ms", "median", "wall ms", "faces a frame", "ids")
    title = f"Compared with other searches, on the same {frames:,} frames"
    columns_alone = ("method", "CPU ms", "median", "ours / it", "of medians")
    return [
        Sheet("compare", title, columns, tuple(rows), tuple(notes)),
        Sheet("detection", "Detection and tracking alone, without reading emotions", columns_alone, tuple(alone), ()),
    ]


def _accuracy(found: CompareReport) -> list[Sheet]:
    """Return the sheet of what is a face and what is not; none where the truth is not known."""
    known = {name: method.accuracy for name, method in found.methods.items() if method.accuracy}
    if not known:
        return []
    rows = [
        (
            name,
            f"{method.found_faces / method.whole_faces:.3f}" if method.whole_faces else "",
            *_rates(method.boxes),
            _figure(method.noticed_s),
        )
        for name, method in known.items()
    ]
    first = next(iter(known.values()))
    notes = (
        f"recall: part of the {first.whole_faces:,} frames with the whole face in which it was found",
        f"others: boxes in 1,000 frames, and (their number in these {first.boxes.frames:,} frames)",
        "lingering: where a face was in the last 2 s; size: much larger or smaller than the face",
        *(
            f"{name}: {method.id_changes} changes of the id of a person who did not leave"
            for name, method in known.items()
            if method.id_changes is not None
        ),
        "wait: from somebody's coming back to being found"
        + (f", median of {first.returns}" if first.returns else "; nobody came back: raise --seconds"),
    )
    columns = ("method", "recall", "false", "lingering", "size", "duplicate", "wait s")
    return [Sheet("accuracy", "Accuracy on the test card", columns, tuple(rows), notes)]


def _rates(boxes: BoxCounts) -> list[str]:
    counts = (boxes.false, boxes.lingering, boxes.wrong_size, boxes.duplicate)
    return [f"{boxes.per_1000(count):.1f} ({count})" for count in counts]


def _growth(found: tuple[GrowthReport, ...]) -> Sheet:
    rows = tuple(
        (
            str(step.people), _figure(step.faces_per_frame), _figure(step.cpu_ms_per_frame),
            _figure(step.cpu_ms_median), _figure(step.wall_ms_per_frame), _figure(step.ratio.cpu),
            _figure(step.ratio.wall),
        )
        for step in found
    )  # fmt: skip
    columns = ("people", "tracked", "CPU ms", "median", "wall ms", "CPU, to one", "wall, to one")
    return Sheet("growth", f"People at once, {found[0].frames} frames of each number", columns, rows, ())


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


def _count(number: int | None) -> str:
    return "" if number is None else str(number)
