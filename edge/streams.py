"""Write to pipes, sockets and terminals without waiting for their readers, or not beyond a stop."""

from __future__ import annotations

import atexit
import io
import os
import queue
import select
import stat
import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_TICK_S = 0.01

_AT_EXIT_S = 1.0
"""Seconds that a reader has for the last lines."""

_MANY = 1000
"""Lines that wait where further ones are dropped."""

_FEW = 100
"""Lines that wait where further ones are waited with: at exit not much is left."""

_PATIENCE_S = 0.1
"""Seconds between two looks at whether to stop."""


class BackgroundWriter:
    """Writes to a file descriptor on a thread of its own. A reader that stops reading costs data, not time.

    `select` cannot replace the thread: it tells that there is room, but not for how much, and another writer of the
    same pipe may take that room first.

    Example:
        >>> writer = BackgroundWriter(1, most_waiting=1000)
        >>> writer.write(b"hello")
        True
        >>> writer.drain(patience_s=1)
        0
    """

    def __init__(self, descriptor: int, most_waiting: int) -> None:
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

    def write(self, data: bytes, patience_s: float = 0) -> bool:
        """Hand over data, and return whether it was accepted: not if too much waits for so long, or after an error."""
        if self.error:
            return False
        try:
            self._waiting.put(data, patience_s > 0, patience_s)
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


class _BackgroundStream(io.BufferedIOBase):
    """The binary side of a text stream. What its reader does not take, it drops, counts and reports."""

    def __init__(self, stream: TextIO, most_waiting: int) -> None:
        super().__init__()
        self.name = stream.name
        self._descriptor = stream.fileno()
        # Its own copy: libraries that are kept silent have the other one point elsewhere for a while.
        self._writer = BackgroundWriter(os.dup(self._descriptor), most_waiting)
        self._dropped = 0

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer, /) -> int:
        content = bytes(data)
        report = f"emotion-edge: {self._dropped} lines were not read, and dropped\n"
        if self._dropped and self._writer.write(report.encode()):
            self._dropped = 0
        if not self._writer.write(content):
            self._dropped += content.count(b"\n")
        return len(content)

    def drain(self) -> None:
        self._writer.drain(_AT_EXIT_S)


class _UntilStopped(_BackgroundStream):
    """As `_BackgroundStream`, but it waits for its reader until a stop is asked for."""

    def __init__(self, stream: TextIO, stop: threading.Event) -> None:
        super().__init__(stream, _FEW)
        self._stop = stop
        self._gave_up = False

    def write(self, data: ReadableBuffer, /) -> int:
        content = bytes(data)
        while not self._writer.write(content, 0 if self._gave_up else _PATIENCE_S):
            if self._writer.error:
                raise self._writer.error
            if self._stop.is_set():
                self._gave_up = True
                break
        return len(content)


def nonblocking(stream: TextIO) -> TextIO:
    """Return a stream that writes to the same place and never waits for a reader.

    Files are never waited for, so a stream to one is returned as it is. At exit the reader has a second for what is
    left; who ends the process in another way calls `drain`.
    """
    return _text(_BackgroundStream(stream, _MANY), stream) if _has_reader(stream) else stream


def waiting_until(stop: threading.Event, stream: TextIO) -> TextIO:
    """Return a stream that loses nothing, and waits for its reader, but not once `stop` is set.

    Else a signal could not end a program whose reader does not read.
    """
    return _text(_UntilStopped(stream, stop), stream) if _has_reader(stream) else stream


def _has_reader(stream: TextIO) -> bool:
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # no file behind it, or closed
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()


def _text(binary: _BackgroundStream, stream: TextIO) -> TextIO:
    atexit.register(binary.drain)
    return io.TextIOWrapper(binary, encoding=stream.encoding, errors=stream.errors, write_through=True)


def drain(stream: TextIO) -> None:
    """Wait a second at most for the reader of a `nonblocking` stream; flush any other."""
    raw = getattr(stream, "buffer", None)
    if isinstance(raw, _BackgroundStream):
        raw.drain()
    else:
        stream.flush()


def drop_output() -> None:
    """Send what is still buffered for standard output nowhere, or Python complains about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
