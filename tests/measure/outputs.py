"""What each output costs the daemon: ``python -m tests.measure.outputs [--rounds 5]``, or ``make bench-outputs``.

The daemon shows the test card, 640x480 at 15 frames a second, in a process of its own. Its processor time is counted by
the kernel, its frames by its own health messages. On the thread of the frames, each call into an output is timed by
that thread's own processor time, so that other work on the machine does not count. Viewers are in this process, and
only read. The ways run in turn, so that whatever else the machine does meets all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from edge.config import CameraConfig, FramesConfig, HealthConfig, HookConfig, MqttConfig, PreviewConfig, Settings
from edge.daemon import run
from edge.daemon.frame_feed import FrameFeed
from edge.hooks import Hooks
from edge.preview.service import PreviewService
from tests.broker import HOST, Mosquitto, Subscriber, free_port, wait_until
from tests.edge.preview.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable

_MEASURED_S = 15.0
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Way:
    """What is open."""

    viewers: int | None = None
    """Who look at the preview; None: it is closed."""

    frames: bool = False
    """The topic `frame`, at the rate of the camera."""

    hook: bool = False
    """A program for each face that changes."""

    call: tuple[type, str] | None = None
    """What the thread of the frames calls for it."""


WAYS = {
    "nothing": Way(),
    "preview, nobody looks": Way(viewers=0, call=(PreviewService, "show")),
    "preview, one viewer": Way(viewers=1, call=(PreviewService, "show")),
    "preview, two viewers": Way(viewers=2, call=(PreviewService, "show")),
    "topic frame": Way(frames=True, call=(FrameFeed, "add")),
    "a hook": Way(hook=True, call=(Hooks, "add")),
}


def play(way: Way, url: str, device: str, port: int, notes: Path) -> None:
    """Be the daemon until SIGTERM; then write what each call took, in milliseconds."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    taken_ms: list[float] = []
    if way.call:
        owner, name = way.call
        call = getattr(owner, name)

        def timed(*arguments: Any) -> Any:
            start_ns = time.thread_time_ns()
            try:
                return call(*arguments)
            finally:
                taken_ms.append((time.thread_time_ns() - start_ns) / 1e6)

        setattr(owner, name, timed)
    run.run(
        Settings(
            camera=CameraConfig(source="testcard"),
            mqtt=MqttConfig(url=url, device=device),
            health=HealthConfig(every_s=1),
            frames=FramesConfig(enabled=way.frames),
            hooks=(HookConfig(on="changed", command=("true",)),) if way.hook else (),
            preview=PreviewConfig(enabled=way.viewers is not None, address=f"{HOST}:{port}"),
        ),
        stop,
    )
    notes.write_text(json.dumps(taken_ms), encoding="utf-8")


def measure(broker: Mosquitto, folder: Path, name: str) -> tuple[float, list[float]]:
    """Run the daemon one way; return its processor time in ms a frame, and the ms of each call."""
    way, port = WAYS[name], free_port()
    device, notes = f"cost-{port}", folder / "notes.json"  # a device each, as the health of the one before is retained
    places = {"STATE_DIRECTORY": str(folder / "state"), "RUNTIME_DIRECTORY": str(folder / "state")}
    command = [sys.executable, "-m", "tests.measure.outputs", "--play", name, broker.url, device, str(port), str(notes)]
    with ExitStack() as cleanup:
        subscriber = cleanup.enter_context(closing(Subscriber(broker.port)))
        daemon = subprocess.Popen(command, env=os.environ | places, stderr=subprocess.DEVNULL)
        cleanup.callback(daemon.wait, 60)
        cleanup.callback(daemon.terminate)

        def processed() -> int:
            said = subscriber.payloads(f"emotion-edge/{device}/health")
            return int(json.loads(said[-1])["frames"]["processed"]) if said else 0

        wait_until(lambda: processed() > 30, timeout_s=_PATIENCE_S)
        for _ in range(way.viewers or 0):
            threading.Thread(target=_look, args=(cleanup.enter_context(Viewer(port)),), daemon=True).start()
        time.sleep(2)
        began, cpu_ms = _next(processed), _cpu_ms(daemon.pid)
        time.sleep(_MEASURED_S)
        frames = _next(processed) - began
        cost_ms = (_cpu_ms(daemon.pid) - cpu_ms) / frames
    return cost_ms, json.loads(notes.read_text(encoding="utf-8"))


def table(costs: dict[str, list[float]], calls: dict[str, list[float]]) -> Table:
    """Return medians: of each way, of its difference from nothing in the same round, and of its calls."""
    result = Table(title="processor time in ms: the daemon, a frame; the frames' thread, a call", title_justify="left")
    for number, heading in enumerate(("open", "a frame", "more", "a call", "p95")):
        result.add_column(heading, justify="right" if number else "left")
    for name, found in costs.items():
        more = statistics.median(cost - none for cost, none in zip(found, costs["nothing"], strict=True))
        taken = calls[name]
        on_thread = (
            [f"{statistics.median(taken):.3f}", f"{statistics.quantiles(taken, n=20)[-1]:.3f}"] if taken else ["", ""]
        )
        result.add_row(name, f"{statistics.median(found):.2f}", f"{more:+.2f}" if name != "nothing" else "", *on_thread)
    return result


def main(rounds: int) -> None:
    """Measure all ways in turn, and print the medians."""
    costs: dict[str, list[float]] = defaultdict(list)
    calls: dict[str, list[float]] = defaultdict(list)
    console = Console()
    with tempfile.TemporaryDirectory() as folder, Mosquitto(Path(folder)) as broker:
        for number in range(rounds):
            for name in WAYS:
                cost_ms, taken_ms = measure(broker, Path(folder), name)
                costs[name].append(cost_ms)
                calls[name] += taken_ms
            console.print(
                f"round {number + 1} of {rounds}: " + ", ".join(f"{found[-1]:.2f}" for found in costs.values())
            )
    console.print(table(costs, calls))


def _next(processed: Callable[[], int]) -> int:
    """Return the count of the next health message, in the moment in which it comes."""
    before = processed()
    while (now := processed()) == before:
        time.sleep(0.005)
    return now


def _look(viewer: Viewer) -> None:
    with suppress(AttributeError, OSError, ValueError):  # it is closed where it stands
        for _ in viewer.records():
            pass


def _cpu_ms(pid: int) -> float:
    """Return user and system time of a process: proc(5), fields 14 and 15, in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--play", nargs=5, metavar=("WAY", "URL", "DEVICE", "PORT", "NOTES"))
    options = parser.parse_args()
    if options.play:
        way, url, device, port, notes = options.play
        play(WAYS[way], url, device, int(port), Path(notes))
    else:
        main(options.rounds)
