"""How a command's process ends: signals, defects, a reader that leaves, a camera stack that hangs."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from edge import __version__
from edge.camera.capture import THREAD as CAPTURE_THREAD
from edge.cli.usage import redact_message
from edge.errors import EdgeError, ExitCode, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

_STOP_S = 3.0
"""Seconds that a clean stop has until another signal ends the command at once."""


def stop_on_signals() -> threading.Event:
    """Return the event that SIGINT, SIGTERM and SIGQUIT set, to end a command in good order.

    A clean stop takes 2 s; only a signal after `_STOP_S` ends the command at once. Other signals that would end it
    without a clean stop are ignored.
    """
    stop = threading.Event()
    first_s = 0.0

    def end(number: int, _frame: object) -> None:
        nonlocal first_s
        if not stop.is_set():
            first_s = time.monotonic()
            stop.set()
        elif time.monotonic() - first_s >= _STOP_S:
            leave_at_once(128 + number)

    def ignore(number: int, _frame: object) -> None:
        log.warning("%s is ignored; restart to read the configuration again", signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, end)
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, ignore)
    threading.excepthook = _end_with_the_thread
    return stop


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End the block in good order if the reader of standard output leaves, as ``head`` does."""
    try:
        yield
    except BrokenPipeError:
        _drop_output()
    except OutputError:
        _drop_output()
        raise


def open_missing_streams() -> None:
    """Open the standard streams that the caller closed, or the next file would take their place and their output."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest free one
        os.set_inheritable(descriptor, True)  # noqa: FBT003  # it takes no keyword
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for the life of the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # the same


def leave_a_hung_camera_behind(code: int) -> None:
    """End at once if the capture thread is still inside the camera stack: an orderly exit would tear it apart."""
    if any(thread.name == CAPTURE_THREAD for thread in threading.enumerate()):
        leave_at_once(code)


def leave_at_once(code: int) -> NoReturn:
    """End without waiting for threads that hang."""
    sys.stderr.flush()
    os._exit(code)


def report_error(error: EdgeError) -> None:
    """Print a user's problem on standard error, without a traceback and without secrets."""
    for line in redact_message(str(error)).splitlines():
        typer.echo(f"emotion-edge: {line}", err=True)


def report_defect(error: BaseException | None) -> None:
    """Print a defect of ours on standard error, with its traceback and what to do."""
    sys.stderr.write(redact_message("".join(traceback.format_exception(error)), quotes_any=True))
    typer.echo(
        f"This is a defect of emotion-edge {__version__}. Please report it with the lines above "
        "and what 'emotion-edge doctor' prints.",
        err=True,
    )


def _end_with_the_thread(failure: threading.ExceptHookArgs) -> None:
    """End the process: a daemon that lost its publishing thread must not seem alive, and systemd starts a whole one."""
    report_defect(failure.exc_value)
    leave_at_once(ExitCode.DEFECT)


def _drop_output() -> None:
    """Send what is still buffered nowhere, or Python complains about it at exit and changes the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
