"""What a benchmark found, as JSON for machines and a table for people."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from rich.table import Table


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class DeviceReport(_Part):
    """The machine that was measured."""

    model: str
    cores: int
    os: str
    python: str
    runtime: str
    opencv: str
    governors: tuple[str, ...]


class StageReport(_Part):
    """Percentiles over the frames in which the stage ran; None where it never did."""

    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class Report(_Part):
    """One run on one device."""

    device: DeviceReport
    model: str
    camera: str
    synthetic: bool
    frames: int
    threads: int
    stages: dict[str, StageReport]
    frames_per_second: float
    """What the pipeline alone could do: frames over the time of all stages but `capture`."""

    cpu_ms_per_frame: float
    """Processor time of all threads, without that of `capture`."""

    rss_mb: float
    start_s: float
    """From the process's start until the first frame was looked at."""

    temperature_c: tuple[float | None, float | None]
    """Before and after."""

    throttled: bool | None

    def warnings(self) -> list[str]:
        """Say why these figures cannot be compared with others."""
        found = []
        if self.throttled:
            found.append("the processor was throttled: cool it, or give it a stronger supply, and measure again")
        slow = [governor for governor in self.device.governors if governor != "performance"]
        if slow:
            found.append(
                f"the frequency governor is {', '.join(slow)}, not performance; "
                "'echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor'"
            )
        if not self.frames:
            found.append("no frame was looked at")
        return found


def table(report: Report) -> Table:
    """Give the report as a table for a terminal."""
    device = report.device
    result = Table(title=f"{device.model}, {device.cores} cores, {device.os}", title_justify="left", min_width=78)
    for column in ("stage", "frames", "p50 ms", "p95 ms", "p99 ms", "max ms"):
        result.add_column(column, justify="left" if column == "stage" else "right")
    for name, stage in report.stages.items():
        times = (stage.p50_ms, stage.p95_ms, stage.p99_ms, stage.max_ms)
        result.add_row(name, str(stage.count), *("" if ms is None else f"{ms:.2f}" for ms in times))
    lines = [
        f"{report.frames_per_second:.0f} frames/s, {report.cpu_ms_per_frame:.2f} ms CPU a frame",
        f"{report.rss_mb:.0f} MB resident, {report.start_s:.1f} s from start to first frame",
        f"{report.model} on {device.runtime}, {report.threads} thread(s), camera {report.camera}",
    ]
    before, after = report.temperature_c
    if before is not None and after is not None:
        lines.append(f"{before:.0f} °C before, {after:.0f} °C after")
    result.caption = "\n".join(lines)
    result.caption_justify = "left"
    return result
