"""Run the pipeline under stopwatches."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from edge.bench.report import DeviceReport, Report
from edge.bench.stages import Stages, TimedClassifier, TimedDetector
from edge.camera import Frame
from edge.camera.open import open_camera
from edge.camera.testcard import TestCard
from edge.config import Broker
from edge.faces import HaarDetector
from edge.health import Machine
from edge.model import SHIPPED, ModelBundle
from edge.pipeline import Origin, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.camera import Camera
    from edge.config import CameraConfig, Settings
    from edge.testcard import Scene

_WARM_UP_FRAMES = 10


def measure(settings: Settings, seconds: float) -> Report:
    """Measure each stage for about `seconds`.

    The test card and clips are shown as fast as the pipeline goes, live cameras at
    their own pace. `publish` is the writing of messages, which few frames have; the
    broker's time is in the daemon's `health`.

    Raises:
        EdgeError: No camera, or no valid model.
    """
    machine = Machine()
    bundle = ModelBundle.load(settings.emotion.model or SHIPPED, threads=settings.emotion.threads)
    stages, spare = Stages(), Stages()
    origin = Origin(settings.mqtt.device, "bench")
    source = _Source(settings.camera)

    def pipeline(stopwatch: Stages) -> Pipeline:
        return Pipeline(
            TimedDetector(HaarDetector(settings.faces.min_height), stopwatch),
            TimedClassifier(bundle, stopwatch),
            settings.faces,
            settings.emotion,
            origin,
        )

    temperature_before = machine.temperature_c()
    _run(pipeline(spare), source.frames(spare), spare, seconds, most=1)
    start_s = _since_process_start_s()
    _run(pipeline(spare), source.frames(spare), spare, seconds, most=_WARM_UP_FRAMES)
    cpu_s, frames = _run(pipeline(stages), source.frames(stages), stages, seconds)
    source.close()
    throttling = machine.throttling()
    return Report(
        device=_device(machine, bundle),
        model=f"{bundle.card.name} {bundle.card.version}",
        camera=source.name,
        synthetic=source.synthetic,
        frames=frames,
        threads=settings.emotion.threads,
        stages=stages.report(),
        frames_per_second=round(frames / max(stages.spent_s(without="capture"), 1e-9), 1),
        cpu_ms_per_frame=round(1000 * cpu_s / max(frames, 1), 3),
        rss_mb=round(machine.rss_mb(), 1),
        start_s=round(start_s, 2),
        temperature_c=(temperature_before, machine.temperature_c()),
        throttled=bool(throttling.now or throttling.since_boot) if throttling else None,
    )


def _run(
    pipeline: Pipeline, frames: Iterator[Frame], stages: Stages, seconds: float, most: int | None = None
) -> tuple[float, int]:
    """Give the processor time without capture's, in seconds, and the number of frames."""
    deadline, cpu_s, count = time.perf_counter() + seconds, 0.0, 0
    for frame in frames:
        before = time.process_time()
        with stages.timed("track"):
            events = pipeline.step(frame)
        for event in events:
            with stages.timed("publish"):
                event.to_json()
        cpu_s += time.process_time() - before
        stages.end_frame()
        count += 1
        if time.perf_counter() >= deadline or count == most:
            break
    return cpu_s, count


class _Source:
    """Frames for as long as they are wanted: a clip begins anew at its end, the test card does not wait."""

    def __init__(self, config: CameraConfig) -> None:
        self._config = config
        self._camera = self._open()
        self.name, self.synthetic = self._camera.name, self._camera.synthetic

    def frames(self, stages: Stages) -> Iterator[Frame]:
        """Give frames whose time never goes back; reading one is the stage `capture`."""
        if isinstance(self._camera, TestCard):
            yield from self._scene_frames(self._camera.scene, stages)
            return
        offset_s = newest_s = 0.0
        while True:
            with stages.timed("capture"):
                frame = self._camera.read()
            if frame is None:
                self._camera.close()
                self._camera = self._open()
                offset_s = newest_s + 1 / self._config.fps
            else:
                newest_s = frame.time_s + offset_s
                yield Frame(frame.gray, frame.captured_at, newest_s, frame.sequence)

    def close(self) -> None:
        """Release the camera."""
        self._camera.close()

    def _open(self) -> Camera:
        return open_camera(self._config, Broker("none"))

    def _scene_frames(self, scene: Scene, stages: Stages) -> Iterator[Frame]:
        sequence = 0
        while True:
            now_s = sequence / self._config.fps
            with stages.timed("capture"):
                gray = scene.render(now_s)
            yield Frame(gray, datetime.now(UTC), now_s, sequence)
            sequence += 1


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
    """Give the age of this process: proc(5), field 22 of /proc/self/stat, in ticks since boot."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s
