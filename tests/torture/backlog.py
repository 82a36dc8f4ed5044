"""How long live events take while many old ones wait: ``python -m tests.torture.backlog [--rows N] [--rate HZ]``."""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from ulid import ULID

from edge.config import MqttConfig, OutboxConfig
from edge.mqtt import MqttClient, Outbox
from edge.mqtt.outbox import destination
from edge.mqtt.outbox.ages import boot_id
from edge.mqtt.outbox.database import Database
from tests.broker import HOST, Mosquitto, wait_until
from tests.torture.publisher import DEVICE, TOPICS, make_event


@dataclass(frozen=True)
class Backlog:
    """What was measured."""

    rows: int
    drained_s: float
    """From the start of the outbox until the broker had everything."""

    live: int
    delays_s: tuple[float, ...]
    """From making to arrival, of the live events that were made until then."""

    ordered: bool
    """Whether each session's events came in order, each once."""

    rss_mb: float

    def __str__(self) -> str:
        """Return the figures."""
        p50, p95, most = np.percentile(self.delays_s, [50, 95, 100])
        return (
            f"{self.rows} old in {self.drained_s:.0f} s; meanwhile {self.live} live ones, delay p50 {p50:.2f} s, "
            f"p95 {p95:.2f} s, max {most:.2f} s; in order: {self.ordered}; memory at most {self.rss_mb:.0f} MB"
        )


def fill(path: Path, where: str, rows: int) -> None:
    """Write what an earlier session left."""
    session, moment = str(ULID()), datetime.now(UTC)
    database = Database.open(path, where)
    for first in range(0, rows, 5000):
        numbers = range(first, min(rows, first + 5000))
        events = [(n, time.monotonic(), make_event(session, n, moment).to_json()) for n in numbers]
        database.write(events, (), boot=boot_id(), wall_s=time.time() - time.monotonic())
    database.close()


def listen(port: int, heard: Path) -> None:
    """Note when each event arrives, in a process of its own."""
    with heard.open("w", encoding="ascii", buffering=1 << 20) as book:
        client = paho.Client(CallbackAPIVersion.VERSION2)

        def note(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
            event = json.loads(message.payload)
            book.write(f"{time.monotonic():.6f} {event['session']} {event['sequence']}\n")

        client.on_message = note
        client.connect(HOST, port)
        client.subscribe(TOPICS.event)
        while client.loop(1.0) == paho.MQTT_ERR_SUCCESS:
            if not client.want_write():
                book.flush()


def measure(folder: Path, rows: int, rate: float) -> Backlog:
    """Return how live events fare while a broker takes what earlier sessions left.

    Args:
        folder: An empty one.
        rows: Events that wait.
        rate: Live events a second.
    """
    with Mosquitto(folder) as broker:
        config = MqttConfig(url=broker.url, device=DEVICE)
        where = destination(config.broker, TOPICS.root)
        fill(folder / "outbox.db", where, rows)
        heard = folder / "heard.txt"
        consumer = multiprocessing.get_context("spawn").Process(target=listen, args=(broker.port, heard), daemon=True)
        consumer.start()
        wait_until(heard.exists)
        began_s = time.monotonic()
        outbox = Outbox(OutboxConfig(max_events=rows + 100_000), folder / "outbox.db", where)
        client = MqttClient(config, outbox)
        client.start()
        session = str(ULID())
        made_s: list[float] = []
        while len(made_s) < 3 * rate or outbox.status.depth > 5:
            made_s.append(time.monotonic())
            client.publish_event(make_event(session, len(made_s) - 1, datetime.now(UTC)), made_s[-1])
            time.sleep(1 / rate)
        drained_s = time.monotonic() - began_s
        wait_until(lambda: heard.read_bytes().count(b"\n") >= rows + len(made_s))
        client.close()
        outbox.close()
        consumer.kill()
        consumer.join()
    sequences: dict[str, list[int]] = {}
    delays_s = []
    for line in heard.read_text(encoding="ascii").splitlines():
        at_s, of, number = line.split()
        sequences.setdefault(of, []).append(int(number))
        if of == session:
            delays_s.append(float(at_s) - made_s[int(number)])
    ordered = all(numbers == sorted(set(numbers)) for numbers in sequences.values())
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Backlog(rows, drained_s, len(made_s), tuple(delays_s), ordered, rss_mb)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.backlog", description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000, help="events that wait at the start")
    parser.add_argument("--rate", type=float, default=10.0, help="live events a second")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    with tempfile.TemporaryDirectory(prefix="backlog-") as folder:
        print(measure(Path(folder), options.rows, options.rate))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
