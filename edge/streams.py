"""Write to pipes, sockets and terminals without ever waiting for their readers."""

from __future__ import annotations

import atexit
import io
import os
import queue
import select
import stat
import threading
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_TICK_S = 0.01

_AT_EXIT_S = 1.0
"""Seconds that the reader of standard error has for its last lines."""


class BackgroundWriter:
    """Writes to a file descriptor on a thread of its own. A reader that stops reading costs data, not time.

    `select` cannot replace the thread: it tells that there is room, but not for how much, and another writer of the
    same pipe may take that room first.

    Example:
        >>> writer = BackgroundWriter(1)
        >>> writer.write(b"hello")
        True
        >>> writer.drain(patience_s=1)
        0
    """

    def __init__(self, descriptor: int, most_waiting: int = 1000) -> None:
        """Start the thread.

        Args:
            descriptor: Where the data goes. The caller closes it, and may be late: the thread may hang in a write.
            most_waiting: Writes that may wait.
        """
        self._descriptor = descriptor
        self._waiting: queue.Queue[bytes] = queue.Queue(most_waiting)
        self.error: OSError | None = None
        """Why nothing is written any more, if so."""

        # A thread that hangs in a write must not keep the process.
        threading.Thread(target=self._run, name=f"writer to {descriptor}", daemon=True).start()

    def write(self, data: bytes) -> bool:
        """Hand over data, and return whether it was accepted: not if too much waits, or after an error."""
        if self.error:
            return False
        try:
            self._waiting.put_nowait(data)
        except queue.Full:
            return False
        return True

    def drain(self, patience_s: float) -> int:
        """Wait at most so long for the reader; return how many writes are not done."""
        until_s = time.monotonic() + patience_s
        while self._waiting.unfinished_tasks and not self.error and time.monotonic() < until_s:
            time.sleep(_TICK_S)
        return self._waiting.unfinished_tasks

    def _run(self) -> None:
        while True:
            data = self._waiting.get()
            try:
                while data:
                    data = data[self._write(data) :]
            except OSError as error:
                self.error = error
                return
            self._waiting.task_done()

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # the program that gave us the pipe made it non-blocking, for itself
            poll = select.poll()
            poll.register(self._descriptor, select.POLLOUT)
            poll.poll()
            return 0


class _NonBlocking(io.BufferedIOBase):
    """The binary side of a stream whose reader is never waited for. What it drops, it counts and reports."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__()
        self.name = name
        self._descriptor = descriptor
        # Its own copy: libraries that are kept silent have the other one point elsewhere for a while.
        self._writer = BackgroundWriter(os.dup(descriptor))
        self._dropped = 0

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer, /) -> int:
        content = bytes(data)
        if self._dropped and self._writer.write(b"emotion-edge: %d lines were not read, and dropped\n" % self._dropped):
            self._dropped = 0
        if not self._writer.write(content):
            self._dropped += content.count(b"\n")
        return len(content)

    def drain(self) -> None:
        self._writer.drain(_AT_EXIT_S)


def nonblocking(stream: TextIO) -> TextIO:
    """Return a stream that writes to the same place and never waits for a reader.

    Files are never waited for, so a stream to one is returned as it is. At exit the reader has a second for what is
    left; who ends the process in another way calls `drain`.
    """
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # no file behind it, or closed
        return stream
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()):
        return stream
    raw = _NonBlocking(stream.fileno(), stream.name)
    atexit.register(raw.drain)
    return io.TextIOWrapper(raw, encoding=stream.encoding, errors=stream.errors, write_through=True)


def drain(stream: TextIO) -> None:
    """Wait a second at most for the reader of a `nonblocking` stream; flush any other."""
    raw = getattr(stream, "buffer", None)
    if isinstance(raw, _NonBlocking):
        raw.drain()
    else:
        stream.flush()
