"""Commands that come while the daemon stops: the last one counts for the next start."""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.daemon import run
from edge.mqtt.commands import Commands
from tests.broker import wait_until
from tests.edge.daemon.world import ROOT, Unpluggable, settings
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.mqtt.message import Incoming
    from tests.broker import Mosquitto, Subscriber


class Closing(Unpluggable):
    """A camera during whose closing something else happens."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(threading.Event())
        self._meanwhile = meanwhile

    def close(self) -> None:
        self._meanwhile()


class Stop(threading.Event):
    """The daemon's stop; something else happens when the daemon notices it."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def is_set(self) -> bool:
        if super().is_set():
            self._meanwhile()
        return super().is_set()


@pytest.fixture
def turn(subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what turns detection on or off, and returns once the client has taken the command."""
    taken = threading.Event()
    handle = Commands.handle

    def note(commands: Commands, message: Incoming) -> None:
        handle(commands, message)
        taken.set()

    def publish(command: str) -> None:
        taken.clear()
        subscriber.publish(f"{ROOT}/detection/set", command)
        assert taken.wait(10)

    monkeypatch.setattr(Commands, "handle", note)
    return publish


@pytest.fixture
def turn_off(turn: Callable[[str], None]) -> Callable[[], None]:
    """Return what turns detection off, and returns once the client has taken the command."""
    return partial(turn, "OFF")


def remembered() -> str:
    return Path(os.environ["STATE_DIRECTORY"], "detection").read_text()


def test_off_that_comes_while_the_daemon_stops_is_remembered(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch, turn_off: Callable[[], None]
) -> None:
    monkeypatch.setattr(run, "_RELEASE_S", 10.0)
    monkeypatch.setattr(run, "open_camera", lambda *_: Closing(turn_off))
    with daemon(settings(mosquitto.url)):
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        assert remembered() == "ON\n"
    assert remembered() == "OFF\n"


def test_on_that_waits_for_its_time_when_the_daemon_stops_is_remembered(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch, turn: Callable[[str], None]
) -> None:
    monkeypatch.setattr("edge.daemon.detection.ON_EVERY_S", 60.0)
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    said = ["ON"]
    with daemon(settings(mosquitto.url)):
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        for command in ("OFF", "ON", "OFF"):
            said.append(command)
            turn(command)
            wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state") == said)
        turn("ON")
        reports = len(subscriber.payloads(f"{ROOT}/health"))
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > reports + 1)  # the loop has it by now
        assert remembered() == "OFF\n"
    assert remembered() == "ON\n"


def test_off_that_comes_with_the_stop_is_confirmed(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch, turn_off: Callable[[], None]
) -> None:
    def stop_it() -> None:
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        stop.set()

    stop, user = Stop(turn_off), threading.Thread(target=stop_it)
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    user.start()
    run.run(settings(mosquitto.url), stop)
    user.join()
    wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state") == ["ON", "OFF"])
    assert remembered() == "OFF\n"
