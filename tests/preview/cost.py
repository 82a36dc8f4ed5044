"""What the preview costs the daemon: ``python -m tests.preview.cost [ROUNDS]``, which ``make bench-preview`` runs.

The daemon shows the test card, 640x480 at 15 frames a second. Its processor time is counted by the kernel, its frames
by its own health messages. Viewers are in another process, and only read. The four ways run in turn, so that whatever
else the machine does meets all of them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.broker import Mosquitto, Subscriber, free_port, wait_until
from tests.edge.preview.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = {"off": None, "open, nobody looks": 0, "one viewer": 1, "two viewers": 2}
MEASURED_S = 15.0


def main(rounds: int) -> None:
    """Print the median of each way, and of its difference from `off` in the same round."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder, Mosquitto(Path(folder)) as broker:
        for number in range(rounds):
            for way, viewers in WAYS.items():
                found[way].append(_cpu_ms_a_frame(broker, Path(folder) / "state", viewers))
            line = "  ".join(f"{way}: {costs[-1]:.2f}" for way, costs in found.items())
            print(f"round {number + 1}: {line}", flush=True)  # noqa: T201  # what it is for
    for way, costs in found.items():
        more = statistics.median(cost - off for cost, off in zip(costs, found["off"], strict=True))
        print(f"{way:<20} {statistics.median(costs):6.2f} ms a frame, {more:+.2f} ms")  # noqa: T201


def _cpu_ms_a_frame(broker: Mosquitto, state: Path, viewers: int | None) -> float:
    port = free_port()
    device = f"cost-{port}"  # each its own, as the health of the one before is retained
    preview = [] if viewers is None else ["--preview", str(port)]
    environment = {
        **os.environ,
        "STATE_DIRECTORY": str(state),
        "RUNTIME_DIRECTORY": str(state),
        "EMOTION_EDGE_MQTT__DEVICE": device,
        "EMOTION_EDGE_HEALTH__EVERY_S": "1",
    }
    program = [sys.executable, "-c", "from edge.cli.main import main; main()"]
    command = [*program, "run", "--camera", "testcard", "--broker", broker.url]
    with ExitStack() as cleanup:
        subscriber = cleanup.enter_context(closing(Subscriber(broker.port)))
        process = subprocess.Popen([*command, *preview], env=environment, stderr=subprocess.DEVNULL)
        cleanup.callback(process.wait, 30)
        cleanup.callback(process.terminate)

        def processed() -> int:
            said = subscriber.payloads(f"emotion-edge/{device}/health")
            return int(json.loads(said[-1])["frames"]["processed"]) if said else 0

        wait_until(lambda: processed() > 30, timeout_s=60)
        for _ in range(viewers or 0):
            threading.Thread(target=_look, args=(cleanup.enter_context(Viewer(port)),), daemon=True).start()
        time.sleep(2)
        began, cpu_ms = _next(processed), _cpu_ms(process.pid)
        time.sleep(MEASURED_S)
        frames = _next(processed) - began
        return (_cpu_ms(process.pid) - cpu_ms) / frames


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
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
