"""A report as sheets of text: what the terminal and the page both show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.bench.report import AccuracyReport, BenchReport, CompareReport, GrowthReport


@dataclass(frozen=True)
class Sheet:
    """A table for people."""

    title: str
    columns: tuple[str, ...]
    """The first names the rows, the others hold figures."""

    rows: tuple[tuple[str, ...], ...]
    """Each as long as `columns`; empty text where there is no figure."""

    notes: tuple[str, ...]
    """Lines below it."""


def sheets(report: BenchReport) -> list[Sheet]:
    """Give the stages and whatever else was measured."""
    result = [_stages(report)]
    if report.compare:
        result.append(_compare(report.compare))
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
        f"{100 * report.overhead:.1f} % of the time is overhead: neither detecting nor classifying",
        f"{report.rss_mb:.0f} MB resident, {report.start_s:.1f} s from start to first frame",
        f"{report.model} on {device.runtime}, {report.threads} thread(s), camera {report.camera}",
    ]
    before, after = report.temperature_c
    if before is not None and after is not None:
        notes.append(f"{before:.0f} °C before, {after:.0f} °C after")
    title = f"{device.model}, {device.cores} cores, {device.os}"
    return Sheet(title, ("stage", "frames", "p50 ms", "p95 ms", "p99 ms", "max ms"), tuple(rows), tuple(notes))


def _compare(found: CompareReport) -> Sheet:
    rows, notes = [], []
    for name, looker in found.lookers.items():
        costs = (looker.cpu_ms_per_frame, looker.cpu_ms_median, looker.wall_ms_per_frame, looker.faces_per_frame)
        rows.append((name, *map(_figure, costs), *_accuracy(looker.accuracy)))
    for pair, ratio in found.ratios.items():
        ours, _, other = pair.partition("/")
        notes.append(f"{ours} takes {ratio.cpu:.3f} of {other}'s CPU time, {ratio.wall:.3f} of its wall-clock time")
    accuracies = [looker.accuracy for looker in found.lookers.values() if looker.accuracy]
    if accuracies:
        notes.append("false, late: boxes in 1,000 frames where no face is; late: where one just was")
        came_back = any(accuracy.noticed_s is not None for accuracy in accuracies)
        notes.append(
            "wait: from somebody's coming back to being found"
            if came_back
            else "wait: nobody came back in that time; raise --seconds"
        )
    frames = next(iter(found.lookers.values())).frames
    columns = ("looker", "CPU ms", "median", "wall ms", "faces", "recall", "false", "late", "wait s")
    return Sheet(f"Beside the usual ways, on the same {frames} frames", columns, tuple(rows), tuple(notes))


def _accuracy(found: AccuracyReport | None) -> tuple[str, str, str, str]:
    if found is None:
        return "", "", "", ""
    recall = "" if found.recall is None else f"{found.recall:.3f}"
    return recall, f"{found.false_per_1000:.1f}", f"{found.late_per_1000:.1f}", _figure(found.noticed_s)


def _growth(found: tuple[GrowthReport, ...]) -> Sheet:
    rows = tuple(
        (
            str(step.people), _figure(step.faces_per_frame), _figure(step.cpu_ms_per_frame),
            _figure(step.cpu_ms_median), _figure(step.wall_ms_per_frame), _figure(step.ratio.cpu),
            _figure(step.ratio.wall),
        )
        for step in found
    )  # fmt: skip
    columns = ("people", "followed", "CPU ms", "median", "wall ms", "CPU, to one", "wall, to one")
    return Sheet(f"People at once, {found[0].frames} frames of each number", columns, rows, ())


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"
