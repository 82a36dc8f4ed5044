"""What wakes a thread that waits on sockets."""

from __future__ import annotations

import contextlib
import socket
import threading


class WakeUp:
    """Wakes a thread that waits on sockets. Ringing never blocks, and is heard once it was rung."""

    def __init__(self) -> None:
        self.ear, self._hammer = socket.socketpair()
        self.ear.settimeout(0)
        self._hammer.settimeout(0)
        self._lock = threading.Lock()

    def ring(self) -> None:
        """Wake the thread, from any other."""
        with self._lock, contextlib.suppress(BlockingIOError):  # full: it rings already
            if self._hammer.fileno() >= 0:
                self._hammer.send(b"!")

    def hush(self) -> None:
        """Take note of all the ringing so far."""
        with contextlib.suppress(BlockingIOError):
            while self.ear.recv(4096):
                pass

    def close(self) -> None:
        """Take the wake_up down; ringing does nothing from now on."""
        with self._lock:
            self.ear.close()
            self._hammer.close()
