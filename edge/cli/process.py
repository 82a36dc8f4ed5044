"""How a command's process ends where an orderly exit would hang, or leave it half alive."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

from edge.camera.capture import THREAD as CAPTURE_THREAD
from edge.cli.output import report_defect
from edge.errors import ExitCode
from edge.streams import drain


def exit_if_camera_hangs(code: int) -> None:
    """End at once if the capture thread is still inside the camera stack: an orderly exit would tear it apart."""
    if any(thread.name == CAPTURE_THREAD for thread in threading.enumerate()):
        exit_at_once(code)


def exit_at_once(code: int) -> NoReturn:
    """End without waiting for threads that hang."""
    drain(sys.stderr)
    os._exit(code)


def exit_on_thread_failure() -> None:
    """End the process if an exception ends one of its threads.

    A daemon that lost its publishing thread must not seem alive, and systemd starts a whole one.
    """
    threading.excepthook = _exit_with_thread


def _exit_with_thread(failure: threading.ExceptHookArgs) -> None:
    report_defect(failure.exc_value)
    exit_at_once(ExitCode.DEFECT)
