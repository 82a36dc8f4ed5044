"""A daemon in this process whose configuration a test changes, and what it told."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING

from edge.config import Settings
from edge.daemon import run
from edge.errors import ConfigError
from edge.wire.messages import FaceEvent
from tests.broker import wait_until
from tests.edge.daemon.world import ROOT, Unpluggable, settings
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from tests.broker import Mosquitto, Subscriber


class Reloads:
    """A configuration that the test changes, and the wish to have it read again."""

    def __init__(self, now: Settings) -> None:
        self.now: Settings | ConfigError = now
        self._asked: deque[int] = deque()  # no flag: one that is read and then cleared loses what comes between

    def read(self) -> Settings:
        if isinstance(self.now, ConfigError):
            raise self.now
        return self.now

    def change(self, **sections: object) -> None:
        assert isinstance(self.now, Settings)
        self.now = self.now.model_copy(update=sections)
        self._asked.append(1)

    def refuse(self, message: str) -> None:
        self.now = ConfigError(message)
        self.ask()

    def ask(self) -> None:
        self._asked.append(1)

    def asked(self) -> bool:
        asked = bool(self._asked)
        if asked:
            self._asked.popleft()
        return asked


@contextlib.contextmanager
def reloadable(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reloads]:
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    reloads = Reloads(settings(mosquitto.url))
    assert isinstance(reloads.now, Settings)
    with daemon(reloads.now, read=reloads.read, reload_asked=reloads.asked):
        yield reloads


def events(subscriber: Subscriber) -> list[FaceEvent]:
    return [FaceEvent.model_validate_json(payload) for payload in subscriber.payloads(f"{ROOT}/event")]


def all_events(subscriber: Subscriber) -> list[FaceEvent]:
    """Return the events of a daemon that ended: they may come after its end, the last ones are of faces that go."""
    wait_until(lambda: count(subscriber, "gone") == count(subscriber, "appeared"))
    return events(subscriber)


def count(subscriber: Subscriber, kind: str) -> int:
    return sum(event.type == kind for event in events(subscriber))


def check(told: list[FaceEvent]) -> None:
    """Check that nothing is lost, doubled or out of order, and that every face appears and goes once."""
    assert [event.sequence for event in told] == list(range(len(told)))
    assert len({event.session for event in told}) == 1
    lives: dict[int, list[str]] = {}
    for event in told:
        lives.setdefault(event.face.id, []).append(event.type)
    assert list(lives) == list(range(1, len(lives) + 1))
    for life in lives.values():
        assert (life[0], life[-1]) == ("appeared", "gone")
        assert set(life[1:-1]) <= {"changed"}
