"""The publishing side as a process of its own, to be killed: the real client, the real outbox, numbered events.

    python -m tests.torture.publisher URL STATE LEDGER RATE

SIGUSR1 sets its wall clock back an hour; SIGTERM ends it once the broker has everything.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ulid import ULID

from edge.config import HomeAssistantConfig, MqttConfig, OutboxConfig
from edge.mqtt import Backoff, MqttClient, Outbox
from edge.mqtt.commands import Commands
from edge.mqtt.discovery import Announcement
from edge.mqtt.homeassistant import HomeAssistant
from edge.mqtt.outbox import destination
from edge.wire.messages import Box, Face, FaceEvent, FrameSize
from edge.wire.topics import Topics
from tests.torture.ledger import Made, digest

DEVICE = "torture"

TOPICS = Topics("emotion-edge", DEVICE)

HEARD = (TOPICS.detection_set, TOPICS.request_health, TOPICS.info, "homeassistant/status")
"""What it subscribes to, as the daemon does."""

_PACE = Backoff(first_s=0.1, most_s=0.5, refused_s=0.2, answer_s=1.0, settled_s=0.0)
_LABELS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")


class WallClock:
    """What the process takes for the time of day."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def set_back(self) -> None:
        self._offset -= timedelta(hours=1)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def time(self) -> float:
        return self.now().timestamp()


def make_event(session: str, sequence: int, now: datetime) -> FaceEvent:
    return FaceEvent(
        device=DEVICE,
        session=session,
        type="changed",
        sequence=sequence,
        captured_at=now,
        face=Face(id=1, box=Box(x=212, y=96, width=131, height=131), frame=FrameSize(width=640, height=480)),
        emotion=_LABELS[sequence % 8],
        confidence=0.9,
        previous=_LABELS[(sequence - 1) % 8],
        lasted_s=1.5,
        probabilities=dict.fromkeys(_LABELS, 0.125),
    )


def main(url: str, state: Path, ledger: Path, rate: float) -> None:
    wall, stop = WallClock(), threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: wall.set_back())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    config = MqttConfig(url=url, device=DEVICE)
    where = destination(config.broker, TOPICS.root)
    outbox = Outbox(OutboxConfig(), state / "outbox.db", where, wall=wall.time)
    client = MqttClient(config, outbox, backoff=_PACE)
    Commands(client.topics).subscribe(client)
    home = HomeAssistant(HomeAssistantConfig(), client)
    home.announce(Announcement(_LABELS, 30, 30))
    client.start()
    session, sequence = str(ULID()), 0
    book = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while not stop.wait(1 / rate):
        event = make_event(session, sequence, wall.now())
        made = Made(session, sequence, time.monotonic(), digest(event.to_json()))
        os.write(book, made.to_line().encode())  # what is written outlives the process
        client.publish_event(event, made.made_s)
        client.publish_retained(client.topics.state, json.dumps({"sequence": sequence}))
        home.attend(made.made_s)
        sequence += 1
    while outbox.status.depth:
        time.sleep(0.01)
    client.close()
    outbox.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)6.0f ms %(levelname)s %(message)s")
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
