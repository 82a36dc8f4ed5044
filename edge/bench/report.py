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
    """What processing a frame costs, without reading it from the camera."""

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


class BoxCounts(FrozenModel, extra="ignore"):
    """How many boxes of a method are no face that it should have found, by `edge.bench.matching.Verdict`."""

    frames: int
    """The frames that were counted; rates "in 1,000 frames" are of these."""

    false: int
    lingering: int
    wrong_size: int
    duplicate: int

    def per_1000(self, boxes: int) -> float:
        """Return one of the counts as a rate: boxes in 1,000 frames."""
        return 1000 * boxes / self.frames


class AccuracyReport(FrozenModel, extra="ignore"):
    """How accurate a method was on the test card."""

    whole_faces: int
    """Frames with the face wholly in the picture."""

    found_faces: int
    """Frames of these in which it was found."""

    boxes: BoxCounts
    returns: int
    """How often somebody came back."""

    noticed_s: float | None
    """From being wholly in the picture again to being found, the median; None if nobody came back."""

    id_changes: int | None
    """Changes of the id of a person who did not leave; None if faces have no id."""


class MethodReport(CostReport):
    """One method, see `edge.bench.methods`."""

    detection_cpu_ms_per_frame: float
    """Processor time without the reading of emotions: of detection and, if the method tracks, tracking. The mean."""

    detection_cpu_ms_median: float
    faces_per_frame: float
    ids: int | None
    """How many different ids its faces had, in one showing of a clip; None if they had none."""

    accuracy: AccuracyReport | None
    """None where the truth is not known."""


class MethodRatio(Ratio):
    """The cost of a method as a part of another one's."""

    detection_cpu: float
    """Of the mean processor time of detection and tracking."""

    detection_cpu_median: float


class CompareReport(FrozenModel, extra="ignore"):
    """Methods on the same frames."""

    methods: dict[str, MethodReport]
    ratios: dict[str, MethodRatio]
    """``ours/naive`` and so on."""

    @property
    def with_truth(self) -> dict[str, MethodReport]:
        """The methods, if the truth is known and there was a whole face to find; else none."""
        return {name: one for name, one in self.methods.items() if one.accuracy and one.accuracy.whole_faces}


class GrowthReport(CostReport):
    """The cost of a number of people at once."""

    people: int
    faces_per_frame: float
    """As many as there are people, unless some were not tracked."""

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
    """From the process's start until the first frame was processed."""

    temperature_c: tuple[float | None, float | None]
    """Before and after."""

    throttled: bool | None
    compare: CompareReport | None = None
    growth: tuple[GrowthReport, ...] = ()

    def warnings(self) -> list[str]:
        """Return why these figures cannot be compared with others."""
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
            found.append("no frame was processed")
        return found
