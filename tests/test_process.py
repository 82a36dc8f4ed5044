"""The daemon as a process: readers that do not read, streams that are closed, signals."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.broker import Mosquitto, Subscriber, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "emotion-edge/test"
COMMAND = [str(Path(sys.executable).parent / "emotion-edge"), "run", "--camera", "testcard"]


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """Return the writing end of a pipe that has no room, and that nobody reads."""
    reader, writer = os.pipe()
    flags = fcntl.fcntl(writer, fcntl.F_GETFL)
    fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"x" * 4096):
            pass
    fcntl.fcntl(writer, fcntl.F_SETFL, flags)
    yield writer
    os.close(reader)
    os.close(writer)


@contextlib.contextmanager
def daemon(broker: Mosquitto, *, out: int, err: int, redirect: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon, with redirections of the shell."""
    environ = os.environ | {"EMOTION_EDGE_MQTT__DEVICE": "test", "EMOTION_EDGE_HEALTH__EVERY_S": "1"}
    command = ["sh", "-c", f'exec "$@" {redirect}', "sh", *COMMAND, "--broker", broker.url, "--print"]
    with subprocess.Popen(command, stdout=out, stderr=err, env=environ) as process:
        try:
            yield process
        finally:
            process.kill()


def lives(subscriber: Subscriber) -> None:
    """Wait until two more reports of health came."""
    before = len(subscriber.payloads(f"{ROOT}/health"))
    wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) >= before + 2, timeout_s=30)


def test_output_that_nobody_reads_stops_nothing(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    with full_pipe() as out, full_pipe() as err, daemon(mosquitto, out=out, err=err) as process:
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/event")) >= 2, timeout_s=30)
        lives(subscriber)
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state")[-1:] == ["OFF"])
        lives(subscriber)
        process.terminate()
        assert process.wait(5) == 0
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1:] == ["offline"])


def test_closed_streams_stop_nothing(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    closed = "0<&- 1>&- 2>&-"
    with daemon(mosquitto, out=subprocess.DEVNULL, err=subprocess.DEVNULL, redirect=closed) as process:
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"), timeout_s=30)
        process.terminate()
        assert process.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_other_signals_are_ignored_and_said(
    mosquitto: Mosquitto, subscriber: Subscriber, number: signal.Signals
) -> None:
    with daemon(mosquitto, out=subprocess.DEVNULL, err=subprocess.PIPE) as process:
        wait_until(lambda: subscriber.payloads(f"{ROOT}/health"), timeout_s=30)
        process.send_signal(number)
        lives(subscriber)
        process.terminate()
        _, err = process.communicate(timeout=5)
    assert process.returncode == 0
    assert f"{number.name} is ignored" in err.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_signals_that_end_it_end_it_in_good_order_even_if_they_come_twice(
    mosquitto: Mosquitto, subscriber: Subscriber, number: signal.Signals
) -> None:
    with daemon(mosquitto, out=subprocess.DEVNULL, err=subprocess.DEVNULL) as process:
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"), timeout_s=30)
        process.send_signal(number)
        process.send_signal(number)
        assert process.wait(5) == 0
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability") == ["online", "offline"])
    assert '"gone"' in subscriber.payloads(f"{ROOT}/event")[-1]
