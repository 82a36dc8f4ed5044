"""The thread that waits for the disk, so that nobody else does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from edge.mqtt.outbox.writer import Writer


class Background(Protocol):
    """What works for the outbox in the background."""

    def close(self) -> None:
        """Do what is left, and end."""


class NoThread:
    """The background of an outbox that is in memory alone."""

    def close(self) -> None:
        """Do nothing."""


class WriterThread:
    """Runs a writer until `close`."""

    def __init__(self, writer: Writer, close_s: float = 3.0) -> None:
        """Start.

        Args:
            writer: What to run.
            close_s: Longest wait for the disk in `close`.
        """
        self._writer, self._close_s = writer, close_s
        self._woken, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Note that there may be something to do."""
        self._woken.set()

    def close(self) -> None:
        """Save whatever waits, and end. Safe to call twice."""
        self._closing.set()
        self._woken.set()
        self._thread.join(self._close_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._woken.wait(self._writer.step())
            self._woken.clear()
        self._writer.finish()
