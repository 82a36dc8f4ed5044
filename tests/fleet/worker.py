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
    """Note of each device when it is back: connected, and nothing waits any more."""

    since_s: float
    """The moment to count from, on the monotonic clock."""


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

    connected: int
    waiting: int
    """Events in outboxes."""

    most_waiting: int
    """The deepest that all outboxes together were seen since the last `Watch`."""

    dropped: int
    made: dict[tuple[str, str], int]
    """Device and session to the number of its events."""

    back_s: tuple[float, ...]
    """Seconds after `Watch.since_s` of those that are back."""

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
        self._since_s = 0.0
        self._away: dict[str, Device] = {}
        self._back_s: list[float] = []
        self._most = 0

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
            case Watch(since_s):
                self._since_s, self._back_s, self._most = since_s, [], 0
                self._away = {device.name: device for device in self._devices}
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
        if self._away:
            back = [
                name
                for name, device in self._away.items()
                if device.client.connected and device.outbox.status.depth == 0
            ]
            self._back_s += [time.monotonic() - self._since_s] * len(back)
            for name in back:
                del self._away[name]
        return max(0.0, min(_LOOK_S, self._due[0][0] - now_s if self._due else _LOOK_S))

    def _standing(self) -> Standing:
        waiting = sum(device.outbox.status.depth for device in self._devices)
        self._most = max(self._most, waiting)
        return Standing(
            connected=sum(device.client.connected for device in self._devices),
            waiting=waiting,
            most_waiting=self._most,
            dropped=sum(device.outbox.status.dropped for device in self._devices),
            made={(device.name, device.origin.session): device.made for device in self._devices},
            back_s=tuple(self._back_s),
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
