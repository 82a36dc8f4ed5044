"""A web server whose threads, waits and connections are bounded, so that nobody outside can hold up the daemon."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import socketserver
import threading
import time
from typing import TYPE_CHECKING, Any

from edge.logs import LogOnce

if TYPE_CHECKING:
    from collections.abc import Sequence
    from socketserver import BaseRequestHandler

    from edge.config import ListenAddress

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 16
"""At once, each with a thread of its own. A page needs six."""

_REQUEST_S = 5.0
"""Seconds that a client has for its whole request, however slowly it sends it."""

_PATIENCE_S = 0.05
"""Seconds to wait for the request of a client that is turned away: closed before that, it would not read the answer."""

_FREE_BIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
"""IP_FREEBIND and IPV6_FREEBIND of Linux, which Python does not name: listen on an address that may come later."""

_BUSY = (
    b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Connection: close\r\n\r\nToo many connections at once. Try again in two seconds.\n"
)


class BoundedServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Answers each connection in a thread, a few at once; who comes beyond that is told so."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    allow_reuse_port = False
    request_queue_size = 128

    def __init__(self, address: ListenAddress, handler: type[BaseRequestHandler]) -> None:
        """Listen; on an address that this machine does not have, from when it gets it.

        Raises:
            OSError: The address cannot be listened on.
        """
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._slots = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._reading: dict[Any, float] = {}
        self._open: set[Any] = set()
        self._problems = LogOnce(log)
        self._failed = False
        self.address_is_missing = False
        """Whether this machine did not have the address."""
        super().__init__((address.host, address.port), handler)

    def server_bind(self) -> None:
        """Bind the address, also before the network gives it to this machine, as after a boot."""
        try:
            super().server_bind()
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            self.address_is_missing = True
            self.socket.setsockopt(*_FREE_BIND[self.socket.family], 1)
            super().server_bind()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def serve(self, timeout_s: float) -> None:
        """Wait at most so long for a connection, and end those whose requests take too long."""
        self.timeout = timeout_s
        self.handle_request()
        now_s = time.monotonic()
        with self._lock:
            late = [connection for connection, since_s in self._reading.items() if now_s - since_s > _REQUEST_S]
        for connection in late:
            _shut(connection)

    def request_read(self, connection: socket.socket) -> None:
        """Note that a connection's request was read whole."""
        with self._lock:
            self._reading.pop(connection, None)

    def stop_listening(self) -> None:
        """Accept no connection any more, and end the wait in `serve`; may be called from any thread."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def end_connections(self, patience_s: float) -> None:
        """Wait at most so long for connections to end, then end them."""
        until_s = time.monotonic() + patience_s
        while self._open and time.monotonic() < until_s:
            time.sleep(0.01)
        with self._lock:
            left = list(self._open)
        for connection in left:
            _shut(connection)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Return whether there is a thread for this connection; if not, say so."""
        if self._slots.acquire(blocking=False):
            with self._lock:
                self._open.add(request)
                self._reading[request] = time.monotonic()
            return True
        client = client_name(client_address)
        self._problems.warning("busy", "more than %d connections at once, from %s", MOST_CONNECTIONS, client)
        with contextlib.suppress(OSError):
            request.settimeout(_PATIENCE_S)
            with contextlib.suppress(TimeoutError):
                request.recv(8192)
            request.sendall(_BUSY)
        return False

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for one connection."""
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the machine has no thread left
            self._forget(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection, and end it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._forget(request)

    def _forget(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
            self._reading.pop(request, None)
        self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # the base class's
        """Log a defect once; it ends this connection only. A client that leaves or is too slow is none."""
        if not self._failed:
            self._failed = True
            log.error("the preview failed to answer %s", client_name(client_address), exc_info=True)  # noqa: LOG014  # the base class calls this where it catches it


def client_name(address: Sequence[Any]) -> str:
    """Return a client's address as a person knows it: an IPv4 one looks otherwise to a socket that takes both."""
    return str(address[0]).removeprefix("::ffff:")


def _shut(connection: socket.socket) -> None:
    """End a connection whose thread is reading or writing."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
