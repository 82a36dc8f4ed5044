"""What is measured of a fleet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Times:
    """Seconds until each device was connected and its outbox empty."""

    p50_s: float
    p95_s: float
    max_s: float

    @classmethod
    def of(cls, back_s: list[float]) -> Times:
        p50, p95 = np.percentile(back_s, (50, 95)) if back_s else (0.0, 0.0)
        return cls(round(float(p50), 2), round(float(p95), 2), round(max(back_s, default=0.0), 2))


@dataclass(frozen=True)
class Rest:
    """The fleet at rest: what one device costs."""

    seconds: float
    events_per_device_hour: float
    messages_per_device_hour: float
    bytes_per_device_hour: float | None
    """From the device to the broker, all of MQTT's packets, without TCP's and IP's headers; None if it is not told."""

    client_cpu_percent: float
    """Of one core, all clients together."""


@dataclass(frozen=True)
class Storm:
    """The broker, or one of its nodes, went away and came back."""

    away_s: float
    waited: int
    """The most events that were seen in all outboxes at once."""

    fell: int
    """Devices that lost their connection."""

    back: Times
    """Of these: since a lone broker's return, or since the node was killed."""

    silence_s: float
    """The longest time without an event at the consumer."""

    returned_s: float
    """What the broker or node took to take connections again once it was started."""


@dataclass(frozen=True)
class Writers:
    """Consumers that share the events."""

    shares: tuple[int, ...]
    lost: int
    duplicated: int
    disordered: int


@dataclass(frozen=True)
class Nodes:
    """What the nodes of a cluster need, and keep."""

    rss_mb: tuple[float, ...]
    """Resident memory of each at rest."""

    cpu_percent: float
    """Of one core, all together, at rest."""

    retained: int
    """Nodes that give a device's retained `info` to who subscribes to its topic."""

    retained_by_wildcard: int
    """The same for who subscribes with a wildcard."""


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    devices: int
    events: int
    lost: int
    duplicated: int
    disordered: int
    dropped: int
    conflicts: int
    """Other daemons that devices saw on their own topics; there are none."""

    start: Times
    rest: Rest
    storms: tuple[Storm, ...]
    bytes_per_message: dict[str, float]
    """Topic and payload, by the topic's part below the device."""

    client_kb: float
    """Resident memory per client and outbox."""

    broker_heap_mb: float | None = None
    """A mosquitto's."""

    writers: Writers | None = None
    nodes: Nodes | None = None

    @property
    def whole(self) -> bool:
        """Whether every event arrived, everywhere."""
        return not (self.lost or self.dropped or (self.writers and self.writers.lost))
