"""Wake a thread that waits on sockets."""

from __future__ import annotations

import contextlib
import socket
import threading


class WakeUp:
    """Wakes a thread that waits on sockets, which waits on `socket` too. `wake` never blocks and is never missed."""

    def __init__(self) -> None:
        self.socket, self._sender = socket.socketpair()
        self.socket.settimeout(0)
        self._sender.settimeout(0)
        self._lock = threading.Lock()

    def wake(self) -> None:
        """Wake the thread, from any other."""
        with self._lock, contextlib.suppress(BlockingIOError):  # full: it is awake already
            if self._sender.fileno() >= 0:
                self._sender.send(b"!")

    def clear(self) -> None:
        """Take note of every call of `wake` so far."""
        with contextlib.suppress(BlockingIOError):
            while self.socket.recv(4096):
                pass

    def close(self) -> None:
        """Close both sockets; `wake` does nothing from now on."""
        with self._lock:
            self.socket.close()
            self._sender.close()
