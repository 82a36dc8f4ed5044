"""One device of the fleet: the real client and outbox, and a script in place of a camera."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from ulid import ULID

from edge.config import HomeAssistantConfig, MqttConfig, OutboxConfig, SummaryConfig
from edge.daemon.health import Counters, HealthMonitor
from edge.daemon.loop import STATE_EVERY_S
from edge.daemon.payloads import Origin
from edge.daemon.printer import NullPrinter
from edge.daemon.publisher import Publisher
from edge.daemon.session import NullSessionRecord
from edge.daemon.summary_feed import SummaryFeed
from edge.frame import Frame
from edge.mqtt import Backoff, MqttClient, Outbox
from edge.mqtt.broker_link import MqttLink
from edge.mqtt.commands import Commands
from edge.mqtt.discovery import Announcement
from edge.mqtt.homeassistant import HomeAssistant
from edge.mqtt.outbox import destination
from edge.summary import Summary
from edge.summary.store import NullSummaryStore

if TYPE_CHECKING:
    from pathlib import Path

    from edge.inference.bundle import ModelBundle
    from edge.pipeline import Snapshot
    from tests.fleet.script import Act

HEALTH_EVERY_S = 30.0
_NO_PICTURE = np.zeros((1, 1), np.uint8)


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
        config = MqttConfig(url=url, device=name)
        where = destination(config.broker, f"{config.base_topic}/{name}")
        self.outbox = Outbox(OutboxConfig(), folder / f"{name}.sqlite", where)
        self.client = MqttClient(config, self.outbox, backoff=part.retry)
        self._commands = Commands(self.client.topics)
        self._commands.subscribe(self.client)
        home = HomeAssistant(HomeAssistantConfig(), self.client)
        home.announce(Announcement(bundle.card.labels, STATE_EVERY_S, HEALTH_EVERY_S))
        self._link = MqttLink(self.client, self.outbox, self._commands, home)
        self._publisher = Publisher(self.origin, bundle, self._link, NullPrinter(), NullSessionRecord())
        self._summary = SummaryFeed(SummaryConfig(), Summary(NullSummaryStore(), datetime.now(UTC)), self._publisher)
        self._monitor = HealthMonitor(time_s=time.monotonic())
        self._snapshot = part.acts[-1].snapshot
        self._next = 0
        self._round_s = self._state_s = self._health_s = float("inf")

    def start(self) -> None:
        """Connect, and say what a daemon says first."""
        self.client.start()
        self._publisher.publish_detection("ON")
        self._publisher.publish_info("testcard")
        self._publisher.publish_camera("online", None)

    def close(self) -> None:
        """Leave in good order."""
        self.client.close()
        self.outbox.close()

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
            self._tell_state(self._snapshot, now_s)
        if now_s - self._health_s >= HEALTH_EVERY_S:
            self._tell_health(now_s)
        self._summary.attend(now_s)
        return self._wake_s()

    def _due_s(self, act: Act) -> float:
        return self._round_s + act.at_s / self._part.tempo

    def _wake_s(self) -> float:
        acts, last = self._part.acts, self._next == len(self._part.acts)
        act_s = self._due_s(acts[0]) + self._part.round_s / self._part.tempo if last else self._due_s(acts[self._next])
        return min(act_s, self._state_s + STATE_EVERY_S, self._health_s + HEALTH_EVERY_S)

    def _tell(self, act: Act, now_s: float) -> None:
        moment = datetime.now(UTC)
        for at_s in (now_s - 1.0, now_s):  # a second stands for the time since the act before
            self._summary.add(Frame(_NO_PICTURE, moment, at_s, self.made), synthetic=True)
        self._summary.note(act.transitions)
        self._publisher.publish_transitions([replace(one, captured_at=moment) for one in act.transitions], now_s)
        self.made += len(act.transitions)
        self._tell_state(act.snapshot, now_s)

    def _tell_state(self, snapshot: Snapshot, now_s: float) -> None:
        self._snapshot, self._state_s = snapshot, now_s
        self._publisher.publish_state(replace(snapshot, captured_at=datetime.now(UTC)))

    def _tell_health(self, now_s: float) -> None:
        self._health_s = now_s
        counters = Counters(captured=0, dropped=0, processed=0, link=self._link.status())
        report = self._monitor.report(counters, self.origin, sent_at=datetime.now(UTC), time_s=now_s)
        self._publisher.publish_health(report)
