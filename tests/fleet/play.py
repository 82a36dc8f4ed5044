"""The play: everybody connects, rests, loses the broker and comes back; then what arrived is counted."""

from __future__ import annotations

import contextlib
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edge.mqtt import Backoff
from tests.fleet import retained
from tests.fleet.brokers import Lone
from tests.fleet.cluster import Cluster
from tests.fleet.consumer import Consumer
from tests.fleet.device import Part
from tests.fleet.figures import Figures, Nodes, Rest, Storm, Times, Writers
from tests.fleet.script import record
from tests.fleet.troupe import troupe
from tests.fleet.worker import Begin, Cast, Finish, Start, Watch
from tests.fleet.writers import Writers as SharedQueue

if TYPE_CHECKING:
    from tests.fleet.brokers import Brokers
    from tests.fleet.tally import Tally
    from tests.fleet.troupe import Troupe

BASE = "emotion-edge"

_MEMORY = Path("/dev/shm")  # noqa: S108  # within it a folder of our own
"""For the outboxes' files: a thousand devices have a thousand disks, and one would be measured instead."""


@dataclass(frozen=True)
class Plan:
    """What is played."""

    devices: int
    rest_s: float
    cluster: bool = False
    """Against three RabbitMQ nodes, of which one fails in each storm; else against one mosquitto."""

    away_s: float = 10.0
    """How long the broker or node is away in each storm."""

    storms: int = 1
    tempo: float = 1.0
    """How many times faster than the test card the devices play."""

    retry: Backoff = field(default_factory=Backoff)
    """How patient their clients are."""

    fps: float = 15.0
    """Frames per second at which the script is recorded."""

    per_process: int = 250


def play(plan: Plan) -> Figures:
    """Play it against brokers of its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    part = Part(record(fps=plan.fps), 37.0, plan.tempo, plan.retry)
    names = tuple(f"device-{number:04d}" for number in range(plan.devices))
    with contextlib.ExitStack() as cleanup:
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="fleet-"))
        outboxes = cleanup.enter_context(
            tempfile.TemporaryDirectory(prefix="fleet-", dir=_MEMORY if _MEMORY.is_dir() else None)
        )
        brokers: Cluster | Lone
        if plan.cluster:
            brokers = cleanup.enter_context(Cluster(Path(folder)))
        else:
            brokers = cleanup.enter_context(Lone(Path(folder)))
        consumer = cleanup.enter_context(contextlib.closing(Consumer(brokers.port, BASE)))
        shared = None
        if isinstance(brokers, Cluster):
            shared = cleanup.enter_context(contextlib.closing(SharedQueue(brokers.amqp_port, BASE, 2)))
            for node in brokers.nodes:
                retained.leave_traces(node.mqtt_port, BASE, names)
        devices = cleanup.enter_context(troupe(Cast(brokers.url, names, part, Path(outboxes)), plan.per_process))
        began_s = time.monotonic()
        devices.tell(Watch(everybody=True))
        devices.tell(Start())
        start = Times.of([back_s - began_s for back_s in devices.wait_until_back()])
        devices.tell(Begin())
        cpu_s = _nodes_cpu_s(brokers)
        rest = _rest(plan, devices, consumer, told=not plan.cluster)
        nodes = None
        if isinstance(brokers, Cluster):
            nodes = Nodes(
                tuple(round(node.rss_mb) for node in brokers.nodes),
                round(100 * (_nodes_cpu_s(brokers) - cpu_s) / rest.seconds),
                *retained.kept(brokers.nodes, BASE, names[0]),
            )
        heap_mb = None if plan.cluster else round(consumer.heap_mb, 2)
        storms = tuple(_storm(plan, devices, brokers, consumer.tally, number) for number in range(plan.storms))
        devices.tell(Finish())
        devices.tell(Watch(everybody=True))
        devices.wait_until_back()
        standings = devices.standings()
        made = {session: count for standing in standings for session, count in standing.made.items()}
        for tally in (consumer.tally, *([shared.tally] if shared else [])):
            _until_quiet(tally, sum(made.values()))
        return Figures(
            devices=plan.devices,
            events=sum(made.values()),
            lost=consumer.tally.lost(made),
            duplicated=consumer.tally.duplicated,
            disordered=consumer.tally.disordered,
            dropped=sum(standing.dropped for standing in standings),
            conflicts=sum(standing.conflicts for standing in standings),
            start=start,
            rest=rest,
            storms=storms,
            bytes_per_message={
                name: round(consumer.octets[name] / count, 1) for name, count in consumer.messages.items()
            },
            client_kb=round(1000 * sum(s.rss_mb - s.empty_rss_mb for s in standings) / plan.devices, 1),
            broker_heap_mb=heap_mb,
            writers=_writers(shared, made) if shared else None,
            nodes=nodes,
        )


def _rest(plan: Plan, devices: Troupe, consumer: Consumer, *, told: bool) -> Rest:
    before = consumer.system("bytes/received") if told else None
    began_s, events, messages = time.monotonic(), consumer.tally.events, consumer.messages.total()
    cpu_s = devices.cpu_s()
    time.sleep(plan.rest_s)
    seconds = time.monotonic() - began_s
    cpu_s = devices.cpu_s() - cpu_s
    events, messages = consumer.tally.events - events, consumer.messages.total() - messages
    hours = plan.devices * seconds / 3600
    octets = None
    if before:
        after = consumer.system("bytes/received")
        octets_a_second = (after.value - before.value) / (after.at_s - before.at_s)
        octets_a_second -= 4 * events / seconds  # the consumer's acknowledgements
        octets = round(octets_a_second * 3600 / plan.devices)
    return Rest(
        round(seconds, 1), round(events / hours, 1), round(messages / hours, 1), octets, round(100 * cpu_s / seconds, 1)
    )


def _storm(plan: Plan, devices: Troupe, brokers: Brokers, tally: Tally, number: int) -> Storm:
    """Take the broker or a node away from under everybody, while they go on."""
    if number:  # else those who came last would go on with the retries of the storm before
        time.sleep(plan.retry.settled_s + 1)
    devices.tell(Watch())
    tally.take_silence_s()
    began_s = time.monotonic()
    brokers.fail(number)
    waited = 0
    while (away_s := time.monotonic() - began_s) < plan.away_s:
        time.sleep(min(0.5, plan.away_s - away_s))
        waited = max(waited, devices.waiting())
    ended_s = time.monotonic()
    brokers.recover()
    returned_s = time.monotonic()
    since_s = began_s if brokers.goes_on else returned_s
    back_s = devices.wait_until_back()
    return Storm(
        round(ended_s - began_s, 1),
        waited,
        len(back_s),
        Times.of([max(0.0, each_s - since_s) for each_s in back_s]),
        round(tally.take_silence_s(), 1),
        round(returned_s - ended_s, 1),
    )


def _nodes_cpu_s(brokers: Brokers) -> float:
    return sum(node.cpu_s for node in brokers.nodes) if isinstance(brokers, Cluster) else 0.0


def _writers(shared: SharedQueue, made: dict[tuple[str, str], int]) -> Writers:
    tally = shared.tally
    return Writers(tuple(shared.shares), tally.lost(made), tally.duplicated, tally.disordered)


def _until_quiet(tally: Tally, expected: int) -> None:
    """Wait until everything has arrived, or nothing more comes."""
    until_s, seen = time.monotonic() + 10, -1
    while tally.events < expected and time.monotonic() < until_s:
        if tally.events != seen:
            until_s, seen = time.monotonic() + 10, tally.events
        time.sleep(0.05)
