"""The play: everybody connects, rests, loses the broker and comes back; then what arrived is counted."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.mqtt import Backoff
from tests.broker import Mosquitto
from tests.fleet.consumer import Consumer
from tests.fleet.device import Part
from tests.fleet.script import record
from tests.fleet.worker import Begin, Cast, Finish, Leave, Look, Start, Watch, work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from tests.fleet.worker import Order, Standing

BASE = "emotion-edge"

_OPTIONS = (
    "log_type none",  # a line for every message would be measured too
    "log_type error",
    "sys_interval 1",
    "max_queued_messages 0",  # what the consumer has not taken yet is kept, however much it is
    "max_inflight_messages 1000",
)

_MEMORY = Path("/dev/shm")  # noqa: S108  # within it a folder of our own
"""For the outboxes' files: a thousand devices have a thousand disks, and one would be measured instead."""

_PATIENCE_S = 300.0
"""The longest that the fleet may take to come back."""


@dataclass(frozen=True)
class Plan:
    """What is played."""

    devices: int
    rest_s: float
    away_s: float = 10.0
    """How long the broker is away in each storm."""

    storms: int = 1
    tempo: float = 1.0
    """How many times faster than the test card the devices play."""

    retry: Backoff = field(default_factory=Backoff)
    """How patient their clients are."""

    fps: float = 15.0
    """Frames per second at which the script is recorded."""

    per_process: int = 250


@dataclass(frozen=True)
class Times:
    """Seconds until each device was connected and its outbox empty."""

    p50_s: float
    p95_s: float
    max_s: float

    @classmethod
    def of(cls, back_s: list[float]) -> Times:
        p50, p95 = np.percentile(back_s, (50, 95))
        return cls(round(float(p50), 2), round(float(p95), 2), round(max(back_s), 2))


@dataclass(frozen=True)
class Rest:
    """The fleet at rest: what one device costs."""

    seconds: float
    events_per_device_hour: float
    messages_per_device_hour: float
    bytes_per_device_hour: float
    """From the device to the broker, all of MQTT's packets, without TCP's and IP's headers."""

    client_cpu_percent: float
    """Of one core, all clients together."""


@dataclass(frozen=True)
class Storm:
    """The broker went away and came back."""

    away_s: float
    waited: int
    """Events in all outboxes when it came back."""

    back: Times


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    devices: int
    events: int
    lost: int
    duplicated: int
    disordered: int
    dropped: int
    start: Times
    rest: Rest
    storms: tuple[Storm, ...]
    bytes_per_message: dict[str, float]
    """Topic and payload, by the topic's part below the device."""

    client_kb: float
    """Resident memory per client and outbox."""

    broker_heap_mb: float

    @property
    def whole(self) -> bool:
        """Whether every event arrived."""
        return not self.lost and not self.dropped


def play(plan: Plan) -> Figures:
    """Play it against a mosquitto of its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    part = Part(record(fps=plan.fps), 37.0, plan.tempo, plan.retry)
    with (
        tempfile.TemporaryDirectory(prefix="fleet-") as folder,
        tempfile.TemporaryDirectory(prefix="fleet-", dir=_MEMORY if _MEMORY.is_dir() else None) as outboxes,
        Mosquitto(Path(folder), persistence=True, options=_OPTIONS) as broker,
        contextlib.closing(Consumer(broker.port, BASE)) as consumer,
        _troupe(plan, broker.url, part, Path(outboxes)) as troupe,
    ):
        troupe.tell(Watch(time.monotonic()))
        troupe.tell(Start())
        start = Times.of(troupe.wait_until_back())
        troupe.tell(Begin())
        rest = _rest(plan, troupe, consumer)
        heap_mb = consumer.heap_mb
        storms = tuple(_storm(plan, troupe, broker, number) for number in range(plan.storms))
        troupe.tell(Finish())
        troupe.tell(Watch(time.monotonic()))
        troupe.wait_until_back()
        standings = troupe.standings()
        made = {session: count for standing in standings for session, count in standing.made.items()}
        _until_quiet(consumer, sum(made.values()))
        return Figures(
            devices=plan.devices,
            events=sum(made.values()),
            lost=consumer.lost(made),
            duplicated=consumer.duplicated,
            disordered=consumer.disordered,
            dropped=sum(standing.dropped for standing in standings),
            start=start,
            rest=rest,
            storms=storms,
            bytes_per_message={
                name: round(consumer.octets[name] / count, 1) for name, count in consumer.messages.items()
            },
            client_kb=round(1000 * sum(s.rss_mb - s.empty_rss_mb for s in standings) / plan.devices, 1),
            broker_heap_mb=round(heap_mb, 2),
        )


def _rest(plan: Plan, troupe: _Troupe, consumer: Consumer) -> Rest:
    before = consumer.system("bytes/received")
    began_s, events, messages = time.monotonic(), consumer.events, consumer.messages.total()
    cpu_s = troupe.cpu_s()
    time.sleep(plan.rest_s)
    seconds = time.monotonic() - began_s
    cpu_s = troupe.cpu_s() - cpu_s
    events, messages = consumer.events - events, consumer.messages.total() - messages
    hours = plan.devices * seconds / 3600
    after = consumer.system("bytes/received")
    octets_a_second = (after.value - before.value) / (after.at_s - before.at_s)
    octets_a_second -= 4 * events / seconds  # the consumer's acknowledgements
    return Rest(
        round(seconds, 1),
        round(events / hours, 1),
        round(messages / hours, 1),
        round(octets_a_second * 3600 / plan.devices),
        round(100 * cpu_s / seconds, 1),
    )


def _storm(plan: Plan, troupe: _Troupe, broker: Mosquitto, number: int) -> Storm:
    """Take the broker away from under everybody, while they go on."""
    if number:  # else those who came last would go on with the retries of the storm before
        time.sleep(plan.retry.settled_s + 1)
    broker.stop()
    began_s = time.monotonic()
    time.sleep(plan.away_s)
    waited = sum(standing.waiting for standing in troupe.standings())
    broker.start()
    back_s = time.monotonic()
    troupe.tell(Watch(back_s))
    return Storm(round(back_s - began_s, 1), waited, Times.of(troupe.wait_until_back()))


def _until_quiet(consumer: Consumer, expected: int) -> None:
    """Wait until the consumer has everything, or nothing more comes."""
    until_s, seen = time.monotonic() + 10, -1
    while consumer.events < expected and time.monotonic() < until_s:
        if consumer.events != seen:
            until_s, seen = time.monotonic() + 10, consumer.events
        time.sleep(0.05)


class _Troupe:
    """The processes that play the devices."""

    def __init__(self, wires: list[Connection], devices: int) -> None:
        self._wires = wires
        self._devices = devices

    def tell(self, order: Order) -> None:
        for wire in self._wires:
            wire.send(order)

    def standings(self) -> list[Standing]:
        self.tell(Look())
        return [wire.recv() for wire in self._wires]

    def cpu_s(self) -> float:
        return sum(standing.cpu_s for standing in self.standings())

    def wait_until_back(self) -> list[float]:
        """Wait until every device is connected and has nothing waiting; gives when each was."""
        until_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until_s:
            back_s = [seconds for standing in self.standings() for seconds in standing.back_s]
            if len(back_s) == self._devices:
                return back_s
            time.sleep(0.2)
        message = f"{self._devices - len(back_s)} of {self._devices} devices did not come back in {_PATIENCE_S:g} s"
        raise TimeoutError(message)


@contextlib.contextmanager
def _troupe(plan: Plan, url: str, part: Part, folder: Path) -> Iterator[_Troupe]:
    context = multiprocessing.get_context("spawn")  # a fork would share what threads hold
    names = [f"device-{number:04d}" for number in range(plan.devices)]
    wires, processes = [], []
    for first in range(0, plan.devices, plan.per_process):
        ours, theirs = context.Pipe()
        cast = Cast(url, tuple(names[first : first + plan.per_process]), part, folder)
        process = context.Process(target=work, args=(cast, theirs), daemon=True)
        process.start()
        theirs.close()
        wires.append(ours)
        processes.append(process)
    troupe = _Troupe(wires, plan.devices)
    troupe.standings()  # everybody is there
    try:
        yield troupe
        troupe.tell(Leave())
        for process in processes:
            process.join(60)
    finally:
        for process, wire in zip(processes, wires, strict=True):
            process.kill()
            process.join()
            wire.close()
