"""An outbox that lives through anything: random lives that end well, in crashes and in power cuts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.edge.mqtt.world import World

MOST = 50


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
TestLives.settings = settings(max_examples=40, stateful_step_count=30)
