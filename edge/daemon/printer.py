"""Prints events without ever waiting for their reader."""

from __future__ import annotations

import logging
from typing import Protocol

from edge.errors import OutputError
from edge.streams import BackgroundWriter

log = logging.getLogger(__name__)

_MOST_WAITING = 1000
"""Lines that wait for the reader: half a megabyte, minutes of a busy room."""


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
    """Writes lines to a file descriptor. Lines that nobody reads are dropped, counted and logged."""

    def __init__(self, descriptor: int) -> None:
        """Start to write.

        Args:
            descriptor: Where lines go. Not a text stream: Python waits at exit for what is in its buffer.
        """
        self._writer = BackgroundWriter(descriptor, _MOST_WAITING)
        self._dropped = 0

    def print(self, line: str) -> None:
        """Hand over a line; drop it if too many wait, which is logged once."""
        if self._writer.write(line.encode() + b"\n"):
            self._report_dropped()
        elif not self._writer.error:
            if not self._dropped:
                log.warning("nobody reads standard output; events are not printed until somebody does")
            self._dropped += 1

    def check(self) -> None:
        """Raise what went wrong with earlier lines.

        Raises:
            BrokenPipeError: The reader has left.
            OutputError: A line could not be written for another reason.
        """
        error = self._writer.error
        if isinstance(error, BrokenPipeError):
            raise error
        if error:
            message = f"standard output: the events cannot be printed: {error.strerror}"
            raise OutputError(message)

    def close(self, patience_s: float) -> None:
        """Wait at most so long for the reader of what is left, and log how many lines it did not read."""
        left = self._writer.drain(patience_s)
        if not self._writer.error:
            self._dropped += left
            self._report_dropped()

    def _report_dropped(self) -> None:
        if self._dropped:
            log.warning("standard output: %d events were not printed, because nobody read them", self._dropped)
            self._dropped = 0
