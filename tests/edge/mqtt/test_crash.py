"""The outbox of a process that is killed at random moments, and what the next life sends of it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Outbox
from edge.mqtt.outbox.ages import Ages
from edge.mqtt.outbox.lines import Earlier
from edge.mqtt.outbox.outbox_file import OutboxFile
from edge.mqtt.outbox.queue import EventQueue
from edge.mqtt.outbox.writer import Writer
from tests.broker import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.mqtt import MqttClient
    from tests.broker import Mosquitto, Subscriber

VICTIM = """
import os, pathlib, random, sys, time
from edge.config import OutboxConfig
from edge.mqtt import Outbox

path, life, seed = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
dice = random.Random(seed)
outbox = Outbox(OutboxConfig(), path)
number = 0
while True:
    payload = f"{life} {number}"
    outbox.add(payload, time.monotonic())
    os.write(1, f"add {payload} {time.monotonic()}\\n".encode())
    number += 1
    if dice.random() < 0.05:
        for entry in outbox.take(5):
            os.write(1, f"acknowledge {entry.payload} 0\\n".encode())
            outbox.acknowledge(entry.sequence)
    time.sleep(dice.random() * 0.02)
"""


def waiting(path: Path) -> list[str]:
    """Return what the next life finds, in the order in which it would be sent."""
    queue = EventQueue(OutboxConfig(), time.monotonic, Earlier.UNREAD)
    file = OutboxFile(queue, path, "", time.monotonic)
    writer = Writer(queue, file, Ages(time.monotonic), time.monotonic)
    file.open()
    got: list[str] = []
    while file.unread or queue.status.depth > len(got):
        writer.step()
        got += [entry.payload for entry in queue.take(10**6)]
    file.abandon()  # it took nothing away, and must leave no trace
    return got


@pytest.fixture
def quick_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder whose syncs do not wait for what others write to the disk of a busy test machine."""
    if not os.access("/dev/shm", os.W_OK):  # noqa: S108
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize("seed", range(2))
def test_a_kill_costs_at_most_the_last_second(quick_disk: Path, seed: int) -> None:
    path = quick_disk / "outbox.sqlite"
    dice = random.Random(seed)  # noqa: S311  # no secret
    due: dict[str, None] = {}  # what must still be there, in order
    made: dict[str, None] = {}
    for life in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", VICTIM, path, str(life), str(seed * 100 + life)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        said = [process.stdout.readline()]  # it is up
        time.sleep(1 + 1.5 * dice.random())
        killed_s = time.monotonic()
        process.kill()
        said += process.stdout
        process.stdout.close()
        process.wait()
        for line in said:
            what, name, number, at_s = line.split()
            event = f"{name} {number}"
            made[event] = None
            if what == "acknowledge":
                due.pop(event, None)
            elif float(at_s) < killed_s - 1.0:
                due[event] = None
        got = waiting(path)
        assert [event for event in due if event not in set(got)] == [], f"life {life} lost events"
        assert got == [event for event in made if event in set(got)]  # in order, each once
    assert len(due) > 10  # else there was little to lose


def test_the_broker_gets_what_an_earlier_life_left_and_does_not_wait_for_it(
    tmp_path: Path, mosquitto: Mosquitto, subscriber: Subscriber, publish_to: Callable[..., MqttClient]
) -> None:
    path = tmp_path / "outbox.sqlite"
    made = [str(number) for number in range(4000)]
    before = Outbox(OutboxConfig(), path)
    for payload in made:
        before.add(payload, 0)
    before.close()
    outbox = Outbox(OutboxConfig(), path)
    outbox.add("new", 0)
    publish_to(mosquitto.url, outbox=outbox).start()
    wait_until(lambda: len(subscriber.payloads("emotion-edge/test/event")) == 4001)  # a tick is a second
    got = subscriber.payloads("emotion-edge/test/event")
    assert [payload for payload in got if payload != "new"] == made  # in order within each session
    wait_until(lambda: outbox.status.depth == 0)
    outbox.close()
