"""From a frame's capture to a subscriber's receipt: ``python -m tests.measure.latency [--seconds 60]``.

The real daemon looks at the test card in a process of its own, made to say something with every frame that shows a
face, and publishes through a mosquitto of this machine to a subscriber in this process. The processes share the
machine's monotonic clock. "Ours" is what is left when detection and inference are taken off: the hand-over from the
camera's thread, tracking, the messages, the client, the broker and the subscriber.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.camera.testcard import TestCard
from edge.config import HealthConfig, MqttConfig, Settings
from edge.daemon import reload, run
from edge.inference.bundle import ModelBundle
from edge.pipeline import Transition, pipeline
from edge.pipeline.smoothing import EmotionChange, EmotionSmoother
from edge.testcard import Scene
from edge.vision.detector import HaarDetector
from edge.vision.flow import Flow
from edge.vision.motion import Motion
from tests.broker import Mosquitto, Subscriber, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from edge.frame import Frame

_DEVICE = "latency"
_WARM_UP_S = 2.0
"""After the first event, in which caches fill and nothing is counted."""

_PATIENCE_S = 60.0
"""For the first event, on a machine that does much else."""


class _Restless(EmotionSmoother):
    """A smoother that changes with every frame."""

    def update(self, probabilities: NDArray[np.float32], time_s: float) -> EmotionChange | None:
        """Take in one more frame."""
        return super().update(probabilities, time_s) or EmotionChange(self.emotion, time_s - self.since_s)


class _Noting(pipeline.Pipeline):
    """A pipeline that notes for each event: captured, begun and done, in seconds, and ms of detection and inference."""

    looked_ms = 0.0
    notes: dict[int, tuple[float, float, float, float]]
    """By the event's sequence: the publisher numbers transitions from 0 in their order, and so does this."""

    def step(self, frame: Frame) -> list[Transition]:
        """Process one frame."""
        begun_s = time.monotonic()
        _Noting.looked_ms = 0.0
        transitions = super().step(frame)
        done_s = time.monotonic()
        captured_s = frame.captured_at.timestamp() + done_s - time.time()
        for _ in transitions:
            _Noting.notes[len(_Noting.notes)] = (captured_s, begun_s, done_s, _Noting.looked_ms)
        return transitions


def _timed(call: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        start_s = time.monotonic()
        try:
            return call(*arguments)
        finally:
            _Noting.looked_ms += 1000 * (time.monotonic() - start_s)

    return timed


def play(url: str, fps: float, notes: Path) -> None:
    """Be the daemon until SIGTERM; then write what was noted."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    _Noting.notes = {}
    replaced: Mapping[tuple[Any, str], Any] = {
        (run, "open_camera"): lambda *_: TestCard(Scene(), fps),
        (reload, "Pipeline"): _Noting,
        (pipeline, "EmotionSmoother"): _Restless,
        (HaarDetector, "search"): _timed(HaarDetector.search),
        (HaarDetector, "search_near"): _timed(HaarDetector.search_near),
        (Flow, "follow"): _timed(Flow.follow),
        (Motion, "update"): _timed(Motion.update),
        (ModelBundle, "read"): _timed(ModelBundle.read),
    }
    for (owner, name), value in replaced.items():
        getattr(owner, name)  # what is not there any more would be replaced without effect
        setattr(owner, name, value)
    run.run(Settings(mqtt=MqttConfig(url=url, device=_DEVICE), health=HealthConfig(every_s=5)), stop)
    notes.write_text(json.dumps(_Noting.notes), encoding="utf-8")


def measure(folder: Path, seconds: float, fps: float) -> dict[str, NDArray[np.float64]]:
    """Give milliseconds of each part of the way, one for each event, by the part's name."""
    notes, topic = folder / "notes.json", f"emotion-edge/{_DEVICE}/event"
    with Mosquitto(folder) as broker, contextlib.closing(Subscriber(broker.port)) as subscriber:
        command = [
            sys.executable,
            "-m",
            "tests.measure.latency",
            "--play",
            broker.url,
            "--fps",
            str(fps),
            "--notes",
            str(notes),
        ]
        places = {"STATE_DIRECTORY": str(folder), "RUNTIME_DIRECTORY": str(folder)}
        with subprocess.Popen(command, env=os.environ | places) as daemon:
            wait_until(lambda: bool(subscriber.payloads(topic)), _PATIENCE_S)
            time.sleep(_WARM_UP_S + seconds)
            daemon.terminate()
            if daemon.wait(10):
                message = f"the daemon ended with {daemon.returncode}"
                raise RuntimeError(message)
        received_s = {
            json.loads(message.payload)["sequence"]: message.timestamp  # paho's, on the monotonic clock
            for message in subscriber.messages
            if message.topic == topic
        }
    noted = {int(sequence): moments for sequence, moments in json.loads(notes.read_text(encoding="utf-8")).items()}
    if missing := noted.keys() - received_s.keys():
        message = f"{len(missing)} of {len(noted)} events were not received"
        raise RuntimeError(message)
    table = np.array([(*noted[sequence], received_s[sequence]) for sequence in sorted(noted)])
    captured_s, begun_s, told_s, looked_ms, arrived_s = table[table[:, 0] >= table[0, 0] + _WARM_UP_S].T
    return {
        "capture to receipt": 1000 * (arrived_s - captured_s),
        "detection and inference": looked_ms,
        "ours: the rest": 1000 * (arrived_s - captured_s) - looked_ms,
        "  hand-over from the camera": 1000 * (begun_s - captured_s),
        "  tracking, smoother, event": 1000 * (told_s - begun_s) - looked_ms,
        "  client, broker, subscriber": 1000 * (arrived_s - told_s),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.measure.latency")
    parser.add_argument("--seconds", type=float, default=60, help="how long to measure")
    parser.add_argument("--fps", type=float, default=15, help="of the test card")
    parser.add_argument("--play", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--notes", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        play(options.play, options.fps, options.notes)
        return
    with tempfile.TemporaryDirectory() as folder:
        parts = measure(Path(folder), options.seconds, options.fps)
    count = len(parts["capture to receipt"])
    lines = [f"{count} events at {options.fps:g} frames/s{'p50 ms':>20}{'p99 ms':>9}{'max ms':>9}"]
    for name, values in parts.items():
        p50, p99, most = np.percentile(values, (50, 99, 100))
        lines.append(f"{name:32}{p50:>13.2f}{p99:>9.2f}{most:>9.2f}")
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
