"""The daemon as a process: readers that do not read, streams that are closed, signals."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.cli.signals import ENDING, IGNORED, RELOADING
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
    wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) >= before + 2)


def test_output_that_nobody_reads_stops_nothing(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    with full_pipe() as out, full_pipe() as err, daemon(mosquitto, out=out, err=err) as process:
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/event")) >= 2)
        lives(subscriber)
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state")[-1:] == ["OFF"])
        lives(subscriber)
        process.terminate()
        assert process.wait(30) == 0
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1:] == ["offline"])


def test_closed_streams_stop_nothing(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    closed = "0<&- 1>&- 2>&-"
    with daemon(mosquitto, out=subprocess.DEVNULL, err=subprocess.DEVNULL, redirect=closed) as process:
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize(("option", "code"), [("--camera", 3), ("--model", 4)])
def test_an_error_that_nobody_reads_ends_it_all_the_same(option: str, code: int) -> None:
    with full_pipe() as err:
        command = [*COMMAND, "--broker", "none", option, "/absent.file"]
        assert subprocess.run(command, stderr=err, check=False, timeout=30).returncode == code


def test_a_terminal_that_is_paused_stops_nothing(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    screen, terminal = os.openpty()
    with (
        os.fdopen(screen, "rb", buffering=0) as shown,
        daemon(mosquitto, out=terminal, err=terminal) as process,
    ):
        assert shown.read(1)
        termios.tcflow(terminal, termios.TCOOFF)  # as Ctrl+S does
        process.send_signal(signal.SIGHUP)  # which is logged
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/event")) >= 2)
        lives(subscriber)
        process.terminate()
        assert process.wait(30) == 0
    os.close(terminal)


def test_watch_ends_though_nobody_reads_it(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    command = [COMMAND[0], "watch", "--json", "--broker", mosquitto.url]
    with full_pipe() as out, subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: mosquitto.log.count("Received SUBSCRIBE") == 2)
        for _ in range(200):  # more than wait for a reader
            subscriber.publish(f"{ROOT}/availability", "online")
        wait_until(lambda: len(subscriber.messages) >= 200)
        time.sleep(1)
        process.terminate()
        assert process.wait(30) == 0


def test_the_shell_completes_commands() -> None:
    environ = os.environ | {
        "_EMOTION_EDGE_COMPLETE": "complete_bash",
        "COMP_WORDS": "emotion-edge d",
        "COMP_CWORD": "1",
    }
    assert subprocess.run(COMMAND[:1], env=environ, capture_output=True, check=True).stdout == b"doctor\n"


def test_signals_that_would_end_it_otherwise_are_ignored_and_said(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    with daemon(mosquitto, out=subprocess.DEVNULL, err=subprocess.PIPE) as process:
        wait_until(lambda: subscriber.payloads(f"{ROOT}/health"))
        for number in set(IGNORED) - {RELOADING}:
            process.send_signal(number)
        lives(subscriber)
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert {signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM, signal.SIGRTMIN} <= set(IGNORED)
    assert err.decode().count("is ignored") == len(IGNORED) - 1
    assert "SIGUSR1 is ignored" in err.decode()


@pytest.mark.parametrize("number", ENDING)
def test_signals_that_end_it_end_it_in_good_order_even_if_they_come_twice(
    mosquitto: Mosquitto, subscriber: Subscriber, number: signal.Signals
) -> None:
    with daemon(mosquitto, out=subprocess.DEVNULL, err=subprocess.DEVNULL) as process:
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        process.send_signal(number)
        process.send_signal(number)
        assert process.wait(30) == 0
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability") == ["online", "offline"])
    assert '"gone"' in subscriber.payloads(f"{ROOT}/event")[-1]
