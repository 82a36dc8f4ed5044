"""One device of the fleet: the real client and outbox, and a script in place of a camera."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ulid import ULID

from edge.config import HomeAssistantConfig, MqttConfig, OutboxConfig
from edge.daemon.health import Counters, HealthMonitor
from edge.daemon.loop import STATE_EVERY_S
from edge.daemon.publisher import Publisher
from edge.mqtt import Backoff, MqttClient, Outbox
from edge.mqtt.commands import Commands
from edge.mqtt.homeassistant import HomeAssistant
from edge.mqtt.outbox.spill import Spill
from edge.pipeline.pipeline import Origin
from edge.wire.messages import BrokerHealth, OutboxHealth

if TYPE_CHECKING:
    from pathlib import Path

    from edge.inference.bundle import ModelBundle
    from edge.wire.messages import State
    from tests.fleet.script import Act

HEALTH_EVERY_S = 30.0


@dataclass(frozen=True)
class Part:
    """What a device plays."""

    acts: tuple[Act, ...]
    round_s: float
    """How long a round of the script is."""

    tempo: float = 1.0
    """How many times faster than the test card it is played."""

    retry: Backoff = field(default_factory=Backoff)
    """How patient the client is."""


class Device:
    """Says what the script says, as the daemon would."""

    def __init__(self, name: str, url: str, part: Part, bundle: ModelBundle, folder: Path) -> None:
        """Prepare; `start` connects.

        Args:
            name: Its name in its topics. It decides where in the script and between heartbeats it begins.
            url: The broker's address.
            part: What it plays.
            bundle: What it says that it runs.
            folder: Where its outbox's file may be.
        """
        self.name = name
        self.origin = Origin(name, str(ULID()), synthetic=True)
        self.made = 0
        self._part, self._phase = part, zlib.crc32(name.encode()) / 2**32
        self.outbox = Outbox(OutboxConfig())
        self._spill = Spill(self.outbox, folder / f"{name}.sqlite")
        self.client = MqttClient(MqttConfig(url=url, device=name), self.outbox, backoff=part.retry)
        self._commands = Commands(self.client.topics)
        self._commands.listen(self.client)
        home = HomeAssistant(HomeAssistantConfig(), self.client)
        home.announce(bundle.card.labels, STATE_EVERY_S, HEALTH_EVERY_S)
        self._publisher = Publisher(self.origin, bundle, self.client)
        self._monitor = HealthMonitor(name, self.origin.session, time_s=time.monotonic(), synthetic=True)
        self._state: State = part.acts[-1].state
        self._next = 0
        self._round_s = self._state_s = self._health_s = float("inf")

    def start(self) -> None:
        """Connect, and say what a daemon says first."""
        self._spill.start()
        self.client.start()
        self._publisher.tell_detection("ON")
        self._publisher.tell_info("testcard")
        self._publisher.tell_camera("online", None)

    def close(self) -> None:
        """Leave in good order."""
        self.client.close()
        self._spill.close()

    def begin(self, now_s: float) -> float:
        """Start to play; gives when something is due."""
        self._round_s = now_s - self._phase * self._part.round_s / self._part.tempo
        self._next = sum(self._due_s(act) < now_s for act in self._part.acts)
        self._state_s = now_s - self._phase * STATE_EVERY_S
        self._health_s = now_s - self._phase * HEALTH_EVERY_S
        return self._wake_s()

    def play(self, now_s: float) -> float:
        """Say what is due; gives when the next is."""
        if self._next == len(self._part.acts):
            self._next = 0
            self._round_s += self._part.round_s / self._part.tempo
        act = self._part.acts[self._next]
        if self._due_s(act) <= now_s:
            self._next += 1
            self._tell(act, now_s)
        if now_s - self._state_s >= STATE_EVERY_S:
            self._tell_state(self._state, now_s)
        if now_s - self._health_s >= HEALTH_EVERY_S:
            self._tell_health(now_s)
        return self._wake_s()

    def _due_s(self, act: Act) -> float:
        return self._round_s + act.at_s / self._part.tempo

    def _wake_s(self) -> float:
        acts, last = self._part.acts, self._next == len(self._part.acts)
        act_s = self._due_s(acts[0]) + self._part.round_s / self._part.tempo if last else self._due_s(acts[self._next])
        return min(act_s, self._state_s + STATE_EVERY_S, self._health_s + HEALTH_EVERY_S)

    def _tell(self, act: Act, now_s: float) -> None:
        stamp = {"device": self.name, "session": self.origin.session}
        for event in act.events:
            changes = {**stamp, "sequence": self.made, "captured_at": datetime.now(UTC)}
            self._publisher.tell_events([event.model_copy(update=changes)], now_s)
            self.made += 1
        self._tell_state(act.state, now_s)

    def _tell_state(self, state: State, now_s: float) -> None:
        changes = {"device": self.name, "session": self.origin.session, "captured_at": datetime.now(UTC)}
        self._state, self._state_s = state, now_s
        self._publisher.tell_state(state.model_copy(update=changes))

    def _tell_health(self, now_s: float) -> None:
        self._health_s = now_s
        counters = Counters(
            captured=0,
            dropped=0,
            processed=0,
            latencies_ms=self.client.latencies,
            outbox=OutboxHealth(depth=self.outbox.depth, dropped=self.outbox.dropped),
            broker=BrokerHealth(reconnects=self.client.reconnects, refused=self.client.refused),
            commands_ignored=self._commands.ignored,
        )
        self._publisher.tell_health(self._monitor.report(counters, sent_at=datetime.now(UTC), time_s=now_s))
