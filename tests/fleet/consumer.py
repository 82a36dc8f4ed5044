"""Whoever listens to the whole fleet: one session that the broker keeps while the listener is away."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge.mqtt import Topics
from edge.wire.topics import Inbound
from tests.broker import HOST, wait_until
from tests.fleet.tally import Tally

_SYSTEM = "$SYS/broker/"


@dataclass(frozen=True)
class Count:
    """A number of the broker's."""

    value: int
    at_s: float
    """When it came."""


class Consumer:
    """Takes events at QoS 1, everything else at QoS 0, and what the broker says of itself."""

    def __init__(self, port: int, base: str) -> None:
        self.tally = Tally()
        self.messages: Counter[str] = Counter()
        """By the topic's part below the device."""

        self.octets: Counter[str] = Counter()
        """Of topic and payload, by the same."""

        self._system: dict[str, Count] = {}
        every = Topics(base, "+")
        published = [topic for topic in every.named.values() if not isinstance(topic, Inbound)]
        self._filters: list[tuple[str, int]] = [(topic, int(topic == every.event)) for topic in published]
        self._filters.append((f"{_SYSTEM}#", 0))
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "consumer", clean_session=False, protocol=paho.MQTTv311)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(self._filters)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._hear
        self._client.connect(HOST, port)
        self._client.loop_start()
        if not self._ready.wait(10):
            message = "the broker does not let the consumer subscribe"
            raise RuntimeError(message)

    @property
    def heap_mb(self) -> float:
        """The broker's memory."""
        heap = self._system.get("heap/current")
        return heap.value / 1e6 if heap else float("nan")

    def system(self, name: str) -> Count:
        """Wait for what the broker next says of itself below ``$SYS/broker/``."""
        now_s = time.monotonic()
        wait_until(lambda: name in self._system and self._system[name].at_s > now_s)
        return self._system[name]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if message.topic.startswith(_SYSTEM):
            with contextlib.suppress(ValueError):  # its version, for one
                self._system[message.topic.removeprefix(_SYSTEM)] = Count(int(message.payload), time.monotonic())
            return
        kind = message.topic.split("/", 2)[2]
        self.messages[kind] += 1
        self.octets[kind] += len(message.topic) + len(message.payload)
        if kind == "event":
            self.tally.hear(message.payload)
