"""Reports of several devices, or clips, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.bench.report import BenchReport
from edge.errors import ConfigError
from edge.files import read_regular
from edge.frozen import requirement
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MOST_BYTES = 10_000_000
"""A thousand times a report's size."""

_LONGEST = 200
"""Characters that are shown of a text of a report."""

_NAMES = (
    "device", "OS", "runtime", "model", "camera", "frames/s", "CPU ms a frame",
    "detect p50", "detect p95", "classify p50", "classify p95", "MB", "start s",
)  # fmt: skip
_NAMING = 5
"""Columns that name the run; the others hold figures."""

_COMPARED = (
    "device", "camera", "method", "frames", "CPU ms", "detection CPU ms", "median", "ours / it", "of medians",
    "faces a frame", "ids",
)  # fmt: skip
_COMPARED_NAMING = 3


def read(file: Path) -> BenchReport:
    """Return the report that `--json` wrote.

    Raises:
        ConfigError: It cannot be read, or is something else.
    """
    try:
        return BenchReport.model_validate_json(read_regular(file, _MOST_BYTES))
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
    except ValidationError as error:
        first = error.errors()[0]
        where = printable(".".join(map(str, first["loc"])), _LONGEST) or "the file"
        message = f"{file}: not what 'emotion-edge bench --json' writes: {where}: {requirement(first)}"
    raise ConfigError(message)


def markdown(reports: Sequence[BenchReport]) -> str:
    """Return a Markdown table, a row for each report, and below it one of the methods that were compared, if any were.

    The first has columns of ratios only if one of the reports has some.
    """
    pairs = list(dict.fromkeys(pair for report in reports if report.compare for pair in report.compare.ratios))
    devices = _table((*_NAMES, *(f"CPU {pair}" for pair in pairs)), [_row(each, pairs) for each in reports], _NAMING)
    methods = [row for report in reports for row in _method_rows(report)]
    return "\n\n".join([devices, *([_table(_COMPARED, methods, _COMPARED_NAMING)] if methods else [])])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], naming: int) -> str:
    rule = ["---"] * naming + ["---:"] * (len(header) - naming)
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in (header, rule, *rows))


def _method_rows(report: BenchReport) -> list[list[str]]:
    """Return a row for each method of a report; ratios and medians are of detection and tracking alone."""
    if not report.compare:
        return []
    rows = []
    for name, method in report.compare.methods.items():
        ratio = report.compare.ratios.get(f"ours/{name}")
        ratios = (ratio.detection_cpu, ratio.detection_cpu_median) if ratio else ()
        alone = (method.detection_cpu_ms_per_frame, method.detection_cpu_ms_median)
        rows.append([
            report.device.model, report.camera, name, str(method.frames), f"{method.cpu_ms_per_frame:.2f}",
            *(f"{ms:.2f}" for ms in alone), *([f"{part:.3f}" for part in ratios] or ["", ""]),
            f"{method.faces_per_frame:.2f}", "" if method.ids is None else str(method.ids),
        ])  # fmt: skip
    return rows


def _row(report: BenchReport, pairs: Sequence[str]) -> list[str]:
    device = report.device
    stages = [report.stages.get(name) for name in ("detect", "classify")]
    times = [ms for stage in stages for ms in ((stage.p50_ms, stage.p95_ms) if stage else (None, None))]
    ratios = report.compare.ratios if report.compare else {}
    return [
        f"{device.model}, {device.cores} cores", device.os, f"{device.runtime}, {report.threads} thread(s)",
        report.model, report.camera, f"{report.frames_per_second:.0f}", f"{report.cpu_ms_per_frame:.2f}",
        *("" if ms is None else f"{ms:.2f}" for ms in times),
        f"{report.rss_mb:.0f}", f"{report.start_s:.1f}",
        *(f"{ratios[pair].cpu:.3f}" if pair in ratios else "" for pair in pairs),
    ]  # fmt: skip


def _cell(text: str) -> str:
    """Keep a text within its cell, whatever a report of another device holds."""
    return printable(" ".join(text.split()), _LONGEST).replace("\\", "\\\\").replace("|", "\\|")
