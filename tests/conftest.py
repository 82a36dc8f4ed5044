from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import typer.main

# After TensorFlow, which other tests import, tflite-runtime no longer loads in the same process.
with contextlib.suppress(ImportError):
    import tflite_runtime.interpreter  # noqa: F401

from edge.cli.main import app, main
from edge.cli.signals import ENDING, IGNORED
from tests.broker import Mosquitto, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

collect_ignore = ["homeassistant", "pi", "preview"]  # targets of their own: make test-homeassistant, …


_RECURSION_LIMIT = sys.getrecursionlimit()

_COMMAND_LINE = typer.main.get_command(app)
"""Built once: that takes longer than most of what is called, and some tests call hundreds of times."""

_REST_S = 1.0
"""How long nothing is done after the last test, to see whether something computes all the same."""


@pytest.fixture(autouse=True)
def _usual_recursion_limit() -> None:
    """Undo what onnx2tf does when it is imported: without a limit, deep nesting ends the process."""
    sys.setrecursionlimit(_RECURSION_LIMIT)


@pytest.fixture(autouse=True)
def _places_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a daemon leaves for the next one stays within a test."""
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))


@pytest.fixture(scope="session", autouse=True)
def _nothing_goes_on_after_the_tests() -> Iterator[None]:
    """No test leaves a thread behind that computes: it would take half the time of all that follow."""
    yield
    before_s = time.process_time()
    time.sleep(_REST_S)
    if time.process_time() - before_s > _REST_S / 2:
        faulthandler.dump_traceback()
        pytest.fail("a thread that some test left behind still computes; the stacks of all are above")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def subscriber(mosquitto: Mosquitto) -> Iterator[Subscriber]:
    with contextlib.closing(Subscriber(mosquitto.port)) as it:
        yield it


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


_HANDLED = ENDING + IGNORED
"""Signals that commands handle."""


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Take back afterwards what a command did with signals in this process."""
    handlers = {number: signal.getsignal(number) for number in _HANDLED}
    before = signal.set_wakeup_fd(-1)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    if (after := signal.set_wakeup_fd(before)) != -1:
        os.close(after)  # which ends the command's thread


@pytest.fixture
def emotion_edge(
    own_signals: None,  # noqa: ARG001  # it is wanted for what it does
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., Outcome]]:
    """Run the command line in this process: ``emotion_edge("config", "check")``."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # the command sets its own

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["emotion-edge", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main(_COMMAND_LINE)
        out, err = capfd.readouterr()
        return Outcome(int(end.value.code or 0), out, err)

    yield call
    # The command sends the logs to a standard error that is closed by now.
    for log_handler in [handler for handler in logging.getLogger().handlers if handler.get_name() == "emotion-edge"]:
        logging.getLogger().removeHandler(log_handler)
    logging.getLogger("edge").setLevel(logging.NOTSET)
    logging.captureWarnings(capture=False)
