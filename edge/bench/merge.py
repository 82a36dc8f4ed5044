"""Reports of several devices as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.bench.report import BenchReport
from edge.errors import ConfigError
from edge.files import read_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MOST_BYTES = 10_000_000
"""A thousand times a report's size."""

_NAMES = (
    "device", "OS", "runtime", "model", "camera", "frames/s", "CPU ms a frame",
    "detect p50", "detect p95", "classify p50", "classify p95", "MB", "start s",
)  # fmt: skip
_NAMING = 5
"""Columns that name the run; the others hold figures."""


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
        where = ".".join(map(str, first["loc"]))
        message = f"{file}: not what 'emotion-edge bench --json' writes: {where}{': ' * bool(where)}{first['msg']}"
    raise ConfigError(message)


def markdown(reports: Sequence[BenchReport]) -> str:
    """Return a Markdown table, a row for each report; the ratios only if one of them has some."""
    pairs = list(dict.fromkeys(pair for report in reports if report.compare for pair in report.compare.ratios))
    header = (*_NAMES, *(f"CPU {pair}" for pair in pairs))
    rule = ["---"] * _NAMING + ["---:"] * (len(header) - _NAMING)
    lines = [header, rule, *(_row(report, pairs) for report in reports)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


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
    """Keep a text within its cell, whatever a file's name holds."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
