"""Prints events without ever waiting for their reader."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from typing import Protocol

from edge.errors import OutputError

log = logging.getLogger(__name__)

_MOST_WAITING = 1000
"""Lines that wait for the reader: half a megabyte, minutes of a busy room."""

_TICK_S = 0.01


class Printer(Protocol):
    """Prints lines."""

    def print(self, line: str) -> None:
        """Print a line, or drop it."""

    def check(self) -> None:
        """Raise what went wrong with earlier lines: `BrokenPipeError` if the reader left, else `OutputError`."""

    def close(self, patience_s: float) -> None:
        """Wait at most so long for the reader of what is left."""


class NullPrinter:
    """Prints nothing."""

    def print(self, line: str) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Do nothing."""

    def close(self, patience_s: float) -> None:
        """Do nothing."""


class LinePrinter:
    """Writes lines to a file descriptor on a thread of its own. A reader that stops reading costs lines, not time."""

    def __init__(self, descriptor: int) -> None:
        """Start the thread.

        Args:
            descriptor: Where lines go. Not a text stream: Python waits at exit for what is in its buffer.
        """
        self._descriptor = descriptor
        self._waiting: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
        self._dropped = 0
        self._error: OSError | None = None
        # A thread that hangs in a write must not keep the process.
        threading.Thread(target=self._run, name="printer", daemon=True).start()

    def print(self, line: str) -> None:
        """Hand over a line; drop it if too many wait, which is logged once."""
        try:
            self._waiting.put_nowait(line.encode() + b"\n")
        except queue.Full:
            if not self._dropped:
                log.warning("nobody reads standard output; events are not printed until somebody does")
            self._dropped += 1
        else:
            self._report_dropped()

    def check(self) -> None:
        """Raise what went wrong with earlier lines.

        Raises:
            BrokenPipeError: The reader has left.
            OutputError: A line could not be written for another reason.
        """
        if isinstance(self._error, BrokenPipeError):
            raise self._error
        if self._error:
            message = f"standard output: the events cannot be printed: {self._error.strerror}"
            raise OutputError(message)

    def close(self, patience_s: float) -> None:
        """Wait at most so long for the reader of what is left, and log how many lines it did not read."""
        until = time.monotonic() + patience_s
        while self._waiting.unfinished_tasks and not self._error and time.monotonic() < until:
            time.sleep(_TICK_S)
        if not self._error:
            self._dropped += self._waiting.unfinished_tasks
            self._report_dropped()

    def _report_dropped(self) -> None:
        if self._dropped:
            log.warning("standard output: %d events were not printed, because nobody read them", self._dropped)
            self._dropped = 0

    def _run(self) -> None:
        while True:
            line = self._waiting.get()
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError as error:
                self._error = error
                return
            self._waiting.task_done()
