"""How a command's process ends: signals, defects, a reader that leaves, a camera stack that hangs."""

from __future__ import annotations

import os
import signal
import sys
import threading
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


def stop_on_signals() -> threading.Event:
    """Return the event that SIGINT and SIGTERM set, to end a command in good order; a second signal ends it at once."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            leave_at_once(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
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
