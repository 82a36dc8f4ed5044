"""The bench that the publishing side is tortured on: broker, bad network, small disk, and somebody who listens."""

from __future__ import annotations

import contextlib
import math
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from tests.broker import Mosquitto, Subscriber, wait_until
from tests.hostile_publisher import HostilePublisher
from tests.proxy import Proxy
from tests.torture.ledger import Life, Verdict, digest, judge
from tests.torture.publisher import DEVICE, HEARD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENT = f"emotion-edge/{DEVICE}/event"
_PROBE = "torture/probe"
_MENDED_S = 6.0
"""The outbox tries a disk that failed again after 5 s; until then what waits is in memory only."""

_DENIED = "refuses what is published"
"""What the publisher logs when it meets that, once until an event is taken again."""

_EVERYTHING = "topic readwrite #\n"

_DISK_BYTES = 8_000_000


class Bench:
    """Everything around the publishing process, and that process.

    What is lost must be the publisher's fault alone. So it reaches the broker
    through a proxy only, and the proxy lets it through only while the
    subscriber listens: mosquitto writes an event to the subscriber's socket
    before it acknowledges it. And the subscriber takes them with QoS 0: one
    that acknowledges meets a killed broker when it writes, and then its
    library drops what it had not read yet.

    Args:
        folder: An empty one.
        rate: Events made a second.
        small_disk: Whether the state lies on a disk of its own, which `fill_disk` can fill. Needs root.
    """

    def __init__(self, folder: Path, rate: float, *, small_disk: bool) -> None:
        self._folder, self._rate = folder, rate
        self._state = folder / "state"
        self._state.mkdir()
        self._disk = small_disk
        self._mended_s = 0.0
        self._floods = 0
        self.lives: list[Life] = []
        self._stack = contextlib.ExitStack()
        self._rules = folder / "acl"
        self._rules.write_text(_EVERYTHING, encoding="utf-8")
        self._options = [f"acl_file {self._rules}"]
        self.broker = Mosquitto(folder, options=self._options)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            if self._disk:
                mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(self._state)]
                subprocess.run(mount, check=True)
                stack.callback(subprocess.run, ["umount", "--lazy", str(self._state)], check=True)
            stack.enter_context(self.broker)
            self._subscriber = stack.enter_context(contextlib.closing(Subscriber(self.broker.port, qos=0)))
            self.proxy = stack.enter_context(Proxy(self.broker.port))
            stack.callback(self._bury)
            self._stack = stack.pop_all()
        self._bear()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def made(self) -> int:
        """Events made so far."""
        return sum(life.ledger.read_bytes().count(b"\n") for life in self.lives if life.ledger.exists())

    def kill_publisher(self) -> None:
        """Kill it and start the next. While its disk is full, or was a moment ago, that has to wait."""
        time.sleep(max(0.0, self._mended_s - time.monotonic()))
        killed_s = time.monotonic()
        self._process.kill()
        self._process.wait()
        self.lives[-1] = Life(self.lives[-1].ledger, killed_s)
        self._bear()

    @contextmanager
    def passing(self, bytes_per_s: float) -> Iterator[None]:
        """Let only so much through to the broker and back."""
        self.proxy.bytes_per_s = bytes_per_s
        yield
        self.proxy.bytes_per_s = math.inf

    def set_clock_back(self) -> None:
        """Take an hour from the publisher's wall clock."""
        self._process.send_signal(signal.SIGUSR1)

    def end_broker(self, *, kill: bool) -> None:
        """Kill or stop the broker."""
        self.proxy.shut = True
        (self.broker.kill if kill else self.broker.stop)()

    def start_broker(self) -> None:
        """Start it again, and let the publisher through once somebody listens there."""
        self.broker.start()
        heard = len(self._subscriber.payloads(_PROBE))

        def listens() -> bool:
            self._subscriber.publish(_PROBE, "", qos=0)
            time.sleep(0.05)
            return len(self._subscriber.payloads(_PROBE)) > heard

        wait_until(listens)
        self.proxy.shut = False

    @contextmanager
    def limited(self, option: str) -> Iterator[None]:
        """Start the broker anew with a further line in mosquitto.conf, and again without it."""
        for options in ([*self._options, option], self._options):
            self.end_broker(kill=False)
            self.broker.configure(options)
            self.start_broker()
            if options != self._options:
                self._wait_until_an_event_arrives()
                yield

    @contextmanager
    def events_denied(self) -> Iterator[None]:
        """Have the broker deny one topic, and wait until the publisher has met that."""
        self._wait_until_an_event_arrives()
        told = self.log.count(_DENIED)
        for rules in (f"topic deny {EVENT}\n{_EVERYTHING}", _EVERYTHING):
            self._rules.write_text(rules, encoding="utf-8")
            self.broker.reload()
            if rules != _EVERYTHING:
                wait_until(lambda: self.log.count(_DENIED) > told)
                yield

    def publish_what_is_refused(self) -> None:
        """Publish, on every topic that the publisher subscribes to, what its MQTT library refuses."""
        self._wait_until_an_event_arrives()  # so that the publisher is connected
        self._floods += 1
        with HostilePublisher(self.broker.port) as mean:
            mean.flood(HEARD, self._floods)

    def fill_disk(self) -> None:
        """Leave no byte of the publisher's disk."""
        with (self._state / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass

    def free_disk(self) -> None:
        """Return the bytes back."""
        (self._state / "filler").unlink()
        self._mended_s = time.monotonic() + _MENDED_S

    def finish(self, timeout_s: float) -> Verdict:
        """Let the publisher deliver everything and end; judge what came."""
        self._process.terminate()
        assert self._process.wait(timeout_s) == 0, self.log
        last = self.lives[-1].made()[-1].digest
        wait_until(lambda: last in map(digest, reversed(self._subscriber.payloads(EVENT))))
        return judge(self.lives, self._subscriber.payloads(EVENT))

    @property
    def log(self) -> str:
        """What the publisher's lives said."""
        return "".join(life.ledger.with_suffix(".log").read_text(encoding="utf-8") for life in self.lives)

    def _wait_until_an_event_arrives(self) -> None:
        heard = len(self._subscriber.payloads(EVENT))
        wait_until(lambda: len(self._subscriber.payloads(EVENT)) > heard)

    def _bear(self) -> None:
        ledger = self._folder / f"life-{len(self.lives):03}.txt"
        self.lives.append(Life(ledger))
        arguments = [self.proxy.url, str(self._state), str(ledger), str(self._rate)]
        command = [sys.executable, "-m", "tests.torture.publisher", *arguments]
        with ledger.with_suffix(".log").open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log)
        wait_until(lambda: ledger.exists() and ledger.stat().st_size > 0)

    def _bury(self) -> None:
        self._process.kill()
        self._process.wait()
