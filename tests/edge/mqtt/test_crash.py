"""The outbox of a process that is killed at random moments, and of one that lives through anything."""

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
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge.config import OutboxConfig
from edge.mqtt import Outbox
from edge.mqtt.outbox.ages import Ages
from edge.mqtt.outbox.lines import Earlier
from edge.mqtt.outbox.outbox_file import OutboxFile
from edge.mqtt.outbox.queue import EventQueue
from edge.mqtt.outbox.writer import Writer
from tests.broker import wait_until
from tests.edge.mqtt.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.mqtt import MqttClient
    from tests.broker import Mosquitto, Subscriber

MOST = 50

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
    wait_until(lambda: len(subscriber.payloads("emotion-edge/test/event")) == 4001, 30)  # a tick is a second
    got = subscriber.payloads("emotion-edge/test/event")
    assert [payload for payload in got if payload != "new"] == made  # in order within each session
    wait_until(lambda: outbox.status.depth == 0)
    outbox.close()


class Lives(RuleBasedStateMachine):
    """Whatever happens, what waited for a second comes out in order, until it was acknowledged or is beyond a bound."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name) / "outbox.sqlite", max_events=MOST)
        self.made = self.life = 0
        self.waiting: list[str] = []  # must be there, oldest first
        self.recent: list[str] = []  # after those: lost if the process is killed now
        self.again: set[str] = set()  # acknowledged, but the disk may not know
        self.flight: list[tuple[int, str]] = []
        self.lives: dict[str, int] = {}  # in which life each was made

    def begin(self) -> None:
        """Note that a life has begun."""
        self.life += 1
        self.flight = []
        self.waiting += self.recent
        self.recent = []

    @rule(count=st.integers(1, 8))
    def add(self, count: int) -> None:
        for _ in range(count):
            self.world.add(str(self.made))
            self.recent.append(str(self.made))
            self.lives[str(self.made)] = self.life
            self.made += 1

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)
        self.step()
        if seconds >= 1.0:
            self.waiting += self.recent
            self.recent, self.again = [], set()

    def step(self) -> None:
        for _ in range(3):
            self.world.writer.step()

    @rule(jump=st.sampled_from([-3600.0, 3600.0]))
    def wall_clock_jumps(self, jump: float) -> None:
        self.world.wall += jump

    @rule(window=st.integers(1, 30))
    def take(self, window: int) -> None:
        self.step()
        self.flight += [(entry.sequence, entry.payload) for entry in self.world.queue.take(window)]

    @rule(which=st.integers(0, 30))
    def acknowledge(self, which: int) -> None:
        if self.flight:
            sequence, payload = self.flight.pop(min(which, len(self.flight) - 1))
            if self.world.queue.acknowledge(sequence):
                self.again.add(payload)
                self.waiting = [event for event in self.waiting if event != payload]
                self.recent = [event for event in self.recent if event != payload]

    @rule()
    def reconnect(self) -> None:
        self.world.queue.rewind()
        self.flight = []

    @rule()
    def stop_and_start(self) -> None:
        self.world.restart()
        self.again = set()
        self.begin()

    @rule(removed=st.booleans())
    def file_is_removed(self, *, removed: bool) -> None:
        """Somebody removes the file, or its log, of a daemon that runs."""
        path = self.world.path if removed else self.world.path.with_name("outbox.sqlite-wal")
        path.unlink(missing_ok=True)

    @rule(reboot=st.booleans(), error=st.sampled_from([-3600.0, 0.0, 3600.0]))
    def kill_and_start(self, *, reboot: bool, error: float) -> None:
        self.step()  # the thread looks after the file every few seconds
        if reboot:
            self.world.reboot(0.0, error)
        else:
            self.world.crash()
        maybe, self.recent = set(self.recent) | self.again, []
        self.begin()
        found = self.everything()
        assert set(found) <= {*self.waiting, *maybe}
        assert found == sorted(found, key=int)
        missing = [event for event in self.waiting if event not in set(found)]
        assert not missing or (len(found) == MOST and missing == self.waiting[: len(missing)])
        self.waiting, self.again = found, set()

    def everything(self) -> list[str]:
        self.world.queue.rewind()
        self.step()
        found = [entry.payload for entry in self.world.queue.take(10**6)]
        self.world.queue.rewind()
        self.flight = []
        assert len(found) == self.world.depth
        return found

    @invariant()
    def order_and_bounds_hold(self) -> None:
        beyond = len(self.waiting) + len(self.recent) - MOST
        if beyond > 0:
            self.waiting, self.recent = self.waiting[beyond:], self.recent[max(0, beyond - len(self.waiting)) :]
        assert self.world.depth == len(self.waiting) + len(self.recent)
        earlier = [int(payload) for _, payload in self.flight if self.lives[payload] < self.life]
        live = [int(payload) for _, payload in self.flight if self.lives[payload] == self.life]
        assert earlier == sorted(set(earlier))
        assert live == sorted(set(live))

    def teardown(self) -> None:
        assert self.everything() == [*self.waiting, *self.recent]
        self.world.writer.finish()
        self.folder.cleanup()


TestLives = Lives.TestCase
TestLives.settings = settings(deadline=None, max_examples=40, stateful_step_count=30)
