"""What can befall the publishing side; each lasts as long as its `with` block."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.torture.bench import Bench

_SLOW_BYTES_PER_S = 4000.0
"""About six events a second: fewer than are made."""


@contextmanager
def broker_killed(bench: Bench) -> Iterator[None]:
    bench.end_broker(kill=True)
    yield
    bench.start_broker()


@contextmanager
def broker_stopped(bench: Bench) -> Iterator[None]:
    bench.end_broker(kill=False)
    yield
    bench.start_broker()


@contextmanager
def broker_paused(bench: Bench) -> Iterator[None]:
    bench.broker.pause()
    yield
    bench.broker.resume()


@contextmanager
def connection_cut(bench: Bench) -> Iterator[None]:
    bench.proxy.shut = True
    bench.proxy.cut()
    yield
    bench.proxy.shut = False


@contextmanager
def connection_reset(bench: Bench) -> Iterator[None]:
    bench.proxy.reset()
    yield


@contextmanager
def connection_slow(bench: Bench) -> Iterator[None]:
    with bench.passing(_SLOW_BYTES_PER_S):
        yield


@contextmanager
def connection_stalled(bench: Bench) -> Iterator[None]:
    with bench.passing(0):
        yield


@contextmanager
def clock_set_back(bench: Bench) -> Iterator[None]:
    """Take an hour from the wall clock, with the connection gone so that events wait across the jump."""
    with connection_cut(bench):
        bench.set_clock_back()
        yield


@contextmanager
def disk_full(bench: Bench) -> Iterator[None]:
    """Leave no room for what has to wait."""
    with connection_cut(bench):
        bench.fill_disk()
        yield
        bench.free_disk()


@contextmanager
def hostile_messages(bench: Bench) -> Iterator[None]:
    """Leave on every topic what the MQTT library refuses, for the rest of the broker's life."""
    bench.publish_what_is_refused()
    yield
    bench.publish_what_is_refused()


@contextmanager
def events_denied(bench: Bench) -> Iterator[None]:
    with bench.events_denied():
        yield


@contextmanager
def packets_limited(bench: Bench) -> Iterator[None]:
    """Home Assistant's announcement no longer fits, every event does."""
    with bench.limited("max_packet_size 2000"):
        yield


@contextmanager
def qos_limited(bench: Bench) -> Iterator[None]:
    with bench.limited("max_qos 0"):
        yield


@contextmanager
def nothing_retained(bench: Bench) -> Iterator[None]:
    with bench.limited("retain_available false"):
        yield


@contextmanager
def calm(_bench: Bench) -> Iterator[None]:
    yield


BROKER_KILLED = "broker killed"
FULL_DISK = "disk full"

Trouble = Callable[["Bench"], AbstractContextManager[None]]

TROUBLES: Mapping[str, Trouble] = {
    BROKER_KILLED: broker_killed,
    "broker stopped": broker_stopped,
    "broker paused": broker_paused,
    "connection cut": connection_cut,
    "connection reset": connection_reset,
    "connection slow": connection_slow,
    "connection stalled": connection_stalled,
    "clock set back": clock_set_back,
    "hostile messages": hostile_messages,
    "events denied": events_denied,
    "packets limited": packets_limited,
    "QoS limited": qos_limited,
    "nothing retained": nothing_retained,
    FULL_DISK: disk_full,
    "calm": calm,
}

WAITING = frozenset(TROUBLES) - {
    "connection reset",
    "connection slow",
    "hostile messages",
    "packets limited",
    "QoS limited",
    "nothing retained",
    FULL_DISK,
    "calm",
}
"""Those in which no event reaches the broker."""
