"""Prints events without ever waiting for their reader."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol, Self, TextIO

from edge.errors import OutputError
from edge.streams import BackgroundWriter

log = logging.getLogger(__name__)

_MOST_WAITING = 1000
"""Lines that wait for the reader: half a megabyte, minutes of a busy room."""


@dataclass(frozen=True)
class Output:
    """Where events are printed."""

    descriptor: int
    """Not a text stream: Python waits at exit for what is in its buffer."""

    terminal: bool = False
    """Whether a person reads it: then lines are short, else each is JSON."""

    encoding: str = "utf-8"
    errors: str = "strict"

    @classmethod
    def of(cls, stream: TextIO) -> Self:
        """Return the output that a text stream leads to. JSON is UTF-8, whatever the locale."""
        if not stream.isatty():
            return cls(stream.fileno())
        return cls(stream.fileno(), terminal=True, encoding=stream.encoding, errors=stream.errors or "replace")


class Printer(Protocol):
    """Prints lines."""

    terminal: bool
    """Whether a person reads them."""

    def print(self, line: str) -> None:
        """Print a line, or drop it."""

    def check(self) -> None:
        """Raise what went wrong with earlier lines: `BrokenPipeError` if the reader left, else `OutputError`."""

    def close(self, patience_s: float) -> None:
        """Wait at most so long for the reader of what is left."""


class NullPrinter:
    """Prints nothing."""

    terminal = False

    def print(self, line: str) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Do nothing."""

    def close(self, patience_s: float) -> None:
        """Do nothing."""


class LinePrinter:
    """Writes lines to a file descriptor. Lines that nobody reads are dropped, counted and logged."""

    def __init__(self, output: Output) -> None:
        """Start to write."""
        self.terminal = output.terminal
        self._output = output
        self._writer = BackgroundWriter(output.descriptor, _MOST_WAITING)
        self._dropped = 0

    def print(self, line: str) -> None:
        """Hand over a line; drop it if too many wait, which is logged once."""
        if self._writer.write(f"{line}\n".encode(self._output.encoding, self._output.errors)):
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
