"""Measure the pipeline, stage by stage."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from edge.bench.compare import compare
from edge.bench.growth import measure_growth
from edge.bench.report import BenchReport, DeviceReport
from edge.bench.source import FrameSource
from edge.bench.stages import PROCESSING, Stages
from edge.daemon import payloads
from edge.inference.bundle import ModelBundle
from edge.pipeline.stages import TimedPipeline
from edge.system.machine import Machine
from edge.vision.detector import HaarDetector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.bench.methods import Search
    from edge.config import Settings
    from edge.frame import Frame

_WARM_UP_FRAMES = 10


_ORIGIN = payloads.Origin("bench", "")


def measure(
    settings: Settings,
    seconds: float,
    *,
    cascades: bool = False,
    blazeface: Search | None = None,
    people: tuple[int, ...] = (),
) -> BenchReport:
    """Measure each stage, and what else is asked for, for about `seconds` altogether.

    The test card and clips are shown as fast as the pipeline goes, live cameras at
    their own pace. `publish` is the writing of messages, which few frames have; the
    broker's time is in the daemon's `health`.

    Args:
        settings: Those of the daemon.
        seconds: Shared equally between the stages, the comparison and the people.
        cascades: Compare with the searches of whole frames by OpenCV's cascade.
        blazeface: Compare with this search of whole frames, by BlazeFace.
        people: Numbers of people to track at once, from `edge.bench.growth.people`; empty: none.

    Raises:
        EdgeError: No camera, or no valid model.
    """
    machine = Machine()
    bundle = ModelBundle.configured(settings.emotion)
    stages, spare = Stages(), Stages()
    source = FrameSource(settings.camera)
    compares = cascades or blazeface is not None
    share_s = seconds / (1 + compares + bool(people))

    def timed(stopwatch: Stages) -> TimedPipeline:
        return TimedPipeline(
            stopwatch, HaarDetector(settings.faces.min_height), bundle, settings.faces, settings.emotion
        )

    temperature_before = machine.temperature_c()
    _run(timed(spare), source.frames(spare), spare, share_s, most=1)
    start_s = _since_process_start_s()
    _run(timed(spare), source.frames(spare), spare, share_s, most=_WARM_UP_FRAMES)
    cpu_s, frames = _run(timed(stages), source.frames(stages), stages, share_s)
    rss_mb = machine.rss_mb()
    compared = compare(settings, bundle, source, share_s, cascades=cascades, blazeface=blazeface) if compares else None
    source.close()
    growth = measure_growth(settings, bundle, people, share_s) if people else ()
    throttling = machine.throttling()
    return BenchReport(
        device=_device(machine, bundle),
        model=f"{bundle.card.name} {bundle.card.version}",
        camera=source.name,
        synthetic=source.synthetic,
        frames=frames,
        threads=settings.emotion.threads,
        stages=stages.report(),
        frames_per_second=round(frames / max(stages.spent_s(*PROCESSING), 1e-9), 1),
        cpu_ms_per_frame=round(1000 * cpu_s / max(frames, 1), 3),
        overhead=round(stages.overhead(), 4),
        rss_mb=round(rss_mb, 1),
        start_s=round(start_s, 2),
        temperature_c=(temperature_before, machine.temperature_c()),
        throttled=bool(throttling.now or throttling.since_boot) if throttling else None,
        compare=compared,
        growth=tuple(growth),
    )


def _run(
    pipeline: TimedPipeline, frames: Iterator[Frame], stages: Stages, seconds: float, most: int | None = None
) -> tuple[float, int]:
    """Return the processor time without capture's, in seconds, and the number of frames."""
    deadline, cpu_s, count = time.perf_counter() + seconds, 0.0, 0
    for frame in frames:
        before = time.process_time()
        transitions = pipeline.step(frame)
        for transition in transitions:
            with stages.timed("publish"):
                payloads.event(transition, _ORIGIN, count).to_json()
        cpu_s += time.process_time() - before
        stages.end_frame()
        count += 1
        if time.perf_counter() >= deadline or count == most:
            break
    return cpu_s, count


def _device(machine: Machine, bundle: ModelBundle) -> DeviceReport:
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return DeviceReport(
        model=machine.model(),
        cores=os.cpu_count() or 1,
        os=f"{release.get('PRETTY_NAME', platform.system())} ({platform.machine()})",
        python=platform.python_version(),
        runtime=f"{bundle.network.runtime} {bundle.network.version}",
        opencv=cv2.__version__,
        governors=tuple(sorted(machine.governors())),
    )


def _since_process_start_s() -> float:
    """Return the age of this process: proc(5), field 22 of /proc/self/stat, in ticks since boot."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s
