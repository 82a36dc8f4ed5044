"""What a benchmark found. Its JSON is what `--json` writes and `bench merge` reads."""

from __future__ import annotations

from edge.frozen import FrozenModel


class DeviceReport(FrozenModel, extra="ignore"):
    """The machine that was measured."""

    model: str
    cores: int
    os: str
    python: str
    runtime: str
    opencv: str
    governors: tuple[str, ...]


class StageReport(FrozenModel, extra="ignore"):
    """Percentiles over the frames in which the stage ran; None where it never did."""

    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class CostReport(FrozenModel, extra="ignore"):
    """What looking at a frame costs, without the reading of it."""

    frames: int
    cpu_ms_per_frame: float
    """Processor time of all threads, the mean."""

    cpu_ms_median: float
    wall_ms_per_frame: float
    """The mean."""


class Ratio(FrozenModel, extra="ignore"):
    """A cost as a part of another one."""

    cpu: float
    """Of the mean processor time."""

    wall: float
    """Of the mean wall-clock time."""


class AccuracyReport(FrozenModel, extra="ignore"):
    """How right a looker was on the test card."""

    recall: float | None
    """Of the frames with the face wholly in the picture, the share in which it was found; None without such frames."""

    false_per_1000: float
    """Boxes in 1,000 frames where no face is, and second boxes of a face."""

    late_per_1000: float
    """Boxes in 1,000 frames where the face was within the last two seconds, but is not any more."""

    noticed_s: float | None
    """From being wholly in the picture again to being found, the mean; None if nobody came back."""


class LookerReport(CostReport):
    """One way of looking, see `edge.bench.detectors`."""

    faces_per_frame: float
    accuracy: AccuracyReport | None
    """None where nobody knows the truth."""


class CompareReport(FrozenModel, extra="ignore"):
    """Ways of looking on the same frames."""

    lookers: dict[str, LookerReport]
    ratios: dict[str, Ratio]
    """``ours/naive`` and ``ours/tuned``."""


class GrowthReport(CostReport):
    """So many people at once."""

    people: int
    faces_per_frame: float
    """As many as there are people, unless some were not followed."""

    ratio: Ratio
    """To one person."""


class BenchReport(FrozenModel, extra="ignore"):
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

    overhead: float
    """Share of the time of all stages but `capture` that is neither `detect` nor `classify`."""

    rss_mb: float
    start_s: float
    """From the process's start until the first frame was looked at."""

    temperature_c: tuple[float | None, float | None]
    """Before and after."""

    throttled: bool | None
    compare: CompareReport | None = None
    growth: tuple[GrowthReport, ...] = ()

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
