"""A process that plays some of the fleet's devices, and does what the play asks."""

from __future__ import annotations

import contextlib
import heapq
import logging
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.inference.bundle import SHIPPED, ModelBundle
from edge.system.machine import Machine
from tests.fleet.device import Device, Part

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

_LOOK_S = 0.05
"""Between two looks at who is back."""


@dataclass(frozen=True)
class Cast:
    """Which devices a process plays."""

    url: str
    names: tuple[str, ...]
    part: Part
    folder: Path
    """Where their outboxes' files may be."""


@dataclass(frozen=True)
class Start:
    """Connect."""


@dataclass(frozen=True)
class Begin:
    """Say what the script says."""


@dataclass(frozen=True)
class Watch:
    """Note of each device that loses its connection when it is back: connected, and nothing waits any more."""

    everybody: bool = False
    """Of the others too."""


@dataclass(frozen=True)
class Look:
    """Tell how things stand."""


@dataclass(frozen=True)
class Finish:
    """Say nothing new."""


@dataclass(frozen=True)
class Leave:
    """Close, and end."""


Order = Start | Begin | Watch | Look | Finish | Leave


@dataclass(frozen=True)
class Standing:
    """How a process's devices stand."""

    waiting: int
    """Events in outboxes."""

    away: int
    """Devices that are watched and not back."""

    mute: int
    """Devices that are not connected."""

    dropped: int
    conflicts: int
    """Other daemons that they saw on their topics."""

    made: dict[tuple[str, str], int]
    """Device and session to the number of its events."""

    back_s: tuple[float, ...]
    """When each of those that are back was, on the monotonic clock."""

    rss_mb: float
    empty_rss_mb: float
    """Before the devices were made."""

    cpu_s: float


class Worker:
    """Plays its devices in one thread; each has one more, as a real one has."""

    def __init__(self, cast: Cast) -> None:
        bundle = ModelBundle.load(SHIPPED)
        self._empty_rss_mb = Machine().rss_mb()
        self._devices = [Device(name, cast.url, cast.part, bundle, cast.folder) for name in cast.names]
        self._due: list[tuple[float, int]] = []
        self._away: set[Device] = set()
        self._back_s: dict[Device, float] = {}
        self._looked_s = 0.0

    def obey(self, order: Order) -> Standing | None:
        """Do what is asked; only a `Look` has an answer."""
        now_s = time.monotonic()
        match order:
            case Start():
                for device in self._devices:
                    device.start()
            case Begin():
                self._due = [(device.begin(now_s), number) for number, device in enumerate(self._devices)]
                heapq.heapify(self._due)
            case Watch(everybody):
                self._away, self._back_s = set(self._devices) if everybody else set(), {}
            case Finish():
                self._due = []
            case Look():
                return self._standing()
            case Leave():
                for device in self._devices:
                    device.close()
        return None

    def play(self) -> float:
        """Do what is due; gives the seconds until the next."""
        now_s = time.monotonic()
        while self._due and self._due[0][0] <= now_s:
            _, number = heapq.heappop(self._due)
            heapq.heappush(self._due, (self._devices[number].play(now_s), number))
        if now_s - self._looked_s >= _LOOK_S:
            self._watch()
            self._looked_s = now_s
        return max(0.0, min(_LOOK_S, self._due[0][0] - now_s if self._due else _LOOK_S))

    def _watch(self) -> None:
        self._away |= {device for device in self._devices if not device.client.connected}
        for device in [one for one in self._away if one.client.connected and one.outbox.status.depth == 0]:
            self._away.remove(device)
            self._back_s[device] = time.monotonic()

    def _standing(self) -> Standing:
        self._watch()
        return Standing(
            waiting=sum(device.outbox.status.depth for device in self._devices),
            away=len(self._away),
            mute=sum(not device.client.connected for device in self._devices),
            dropped=sum(device.outbox.status.dropped for device in self._devices),
            conflicts=sum(device.client.health.conflicts for device in self._devices),
            made={(device.name, device.origin.session): device.made for device in self._devices},
            back_s=tuple(self._back_s.values()),
            rss_mb=Machine().rss_mb(),
            empty_rss_mb=self._empty_rss_mb,
            cpu_s=time.process_time(),
        )


def work(cast: Cast, orders: Connection) -> None:
    """Play until told to leave, or until nobody is there to tell."""
    logging.disable(logging.WARNING)  # a thousand devices that lose their broker say so a thousand times
    # A thread that waits for the interpreter wakes this often to ask for it; hundreds of them, as no device has,
    # do nothing else once a storm and other work on the machine make them queue.
    sys.setswitchinterval(0.2)
    worker = Worker(cast)
    with contextlib.suppress(EOFError):
        while True:
            if orders.poll(worker.play()):
                order: Order = orders.recv()
                answer = worker.obey(order)
                if answer:
                    orders.send(answer)
                if order == Leave():
                    return
