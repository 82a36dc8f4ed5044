"""Measure what a daemon writes to the disk in a day: ``make bench-writes``.

Three kinds of day: idle (nobody before the camera), busy (the test card: about an event each 4 s), and busy with the
broker away. What the process makes the kernel write (``write_bytes`` of /proc/PID/io) is counted over some minutes,
after one for the start, and extrapolated to a day. The kernel counts whole pages; what the file system adds, such as
its own journal, is not in it. Log lines go to the system's journal, and are counted apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.camera.testcard import TestCard
from edge.cli.main import main as emotion_edge
from edge.daemon import run
from edge.frame import Frame
from edge.testcard import Scene
from tests.broker import Mosquitto, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY_S = 86_400
_START_S = 60.0


class EmptyRoom(TestCard):
    """A live camera that shows a noisy wall and nobody."""

    def read(self) -> Frame:
        frame = super().read()
        noise = np.random.default_rng(frame.sequence).integers(0, 6, frame.gray.shape, dtype=np.uint8)
        return Frame(np.add(noise, 120, dtype=np.uint8), frame.captured_at, frame.time_s, frame.sequence)


@dataclass(frozen=True)
class Writes:
    """What was written, so far or within a time."""

    disk: int
    """Bytes that the process made the kernel write to disks."""

    log: int
    """Bytes of its log."""

    events: int

    def since(self, before: Writes) -> Writes:
        """Return the difference."""
        return Writes(self.disk - before.disk, self.log - before.log, self.events - before.events)


def measure(name: str, minutes: float) -> str:
    """Return a line with what one kind of day writes."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))  # on a disk
        memory = Path(cleanup.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))  # in memory, as /run is
        broker = cleanup.enter_context(Mosquitto(folder))
        environ = os.environ | {
            "STATE_DIRECTORY": str(folder / "state"),
            "RUNTIME_DIRECTORY": str(memory),
            "EMOTION_EDGE_MQTT__URL": f"mqtt://127.0.0.1:{free_port()}" if "away" in name else broker.url,
            "EMOTION_EDGE_MQTT__DEVICE": "test",
            "EMOTION_EDGE_CAMERA__SOURCE": "testcard",
        }
        log = cleanup.enter_context((folder / "log").open("wb"))
        command = [sys.executable, "-m", "tests.measure.writes", "--daemon", name]
        process = cleanup.enter_context(subprocess.Popen(command, env=environ, stdout=log, stderr=log))
        cleanup.callback(process.terminate)

        def so_far() -> Writes:
            fields = (line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text().splitlines())
            counted = {key: int(value) for key, value in fields}
            newest = json.loads((memory / "session.json").read_text())["last_sequence"]
            return Writes(counted["write_bytes"], (folder / "log").stat().st_size, 0 if newest is None else newest + 1)

        return _line(name, so_far, 60 * minutes)


def _line(name: str, so_far: Callable[[], Writes], measured_s: float) -> str:
    time.sleep(_START_S)
    start, began_s = so_far(), time.monotonic()
    time.sleep(measured_s)
    took_s = time.monotonic() - began_s
    rest, days = so_far().since(start), took_s / _DAY_S
    disk = f"{rest.disk / 1e3:7.1f} kB written: {rest.disk / days / 1e6:6.1f} MB a day"
    log = f"log {rest.log / days / 1e6:.1f} MB a day; start {start.disk / 1e3:.0f} kB"
    return f"{name:17} {took_s:4.0f} s, {rest.events:3} events, {disk}; {log}"


def main() -> None:
    """Measure each kind of day, or be the daemon of one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--daemon", metavar="NAME", help="be the daemon of this kind of day")
    arguments = parser.parse_args()
    if arguments.daemon:
        if arguments.daemon == "idle":
            vars(run)["open_camera"] = lambda *_: EmptyRoom(Scene(), 15)
        sys.argv = ["emotion-edge", "run"]
        emotion_edge()
    for name in ("idle", "busy", "busy, broker away"):
        print(measure(name, arguments.minutes), flush=True)  # noqa: T201  # that is what it is for


if __name__ == "__main__":
    main()
