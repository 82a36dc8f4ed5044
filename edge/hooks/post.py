"""Post an event to a web address, within a time limit."""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from http.client import HTTP_PORT, HTTPS_PORT, HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge import __version__
from edge.hooks.failure import HookFailureError
from edge.hooks.thread import start_thread
from edge.text import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.parse import SplitResult

_HEADERS = {"Content-Type": "application/json", "User-Agent": f"emotion-edge/{__version__}"}


def post(url: str, event: bytes, limit_s: float, cancel: int) -> None:
    """Post an event; the answer's content is not read, and no redirect is followed.

    Args:
        url: The address, ``http://`` or ``https://``.
        event: JSON.
        limit_s: Seconds for all of it, but the look-up of the host's name, which the system bounds.
        cancel: A file descriptor; nothing is waited for any more when it becomes readable.

    Raises:
        HookFailureError: No answer came in time, or another one than 200 to 299, or there is no thread left.
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    began_s = time.monotonic()
    try:
        with closing(_connection(parts)) as connection, _limited(connection, limit_s, cancel):
            _connect(connection, began_s + limit_s)
            connection.request("POST", path, event, _HEADERS)
            status = connection.getresponse().status
    except (OSError, HTTPException, ValueError) as error:
        late = time.monotonic() - began_s >= limit_s
        message = f"no answer within {limit_s:g} s" if late else f"cannot be reached: {_why(error)}"
        raise HookFailureError(message) from None
    if 300 <= status < 400:
        message = f"answers {status}: it is somewhere else now; write the address that it names"
        raise HookFailureError(message)
    if not 200 <= status < 300:
        message = f"answers {status}"
        raise HookFailureError(message)


def _why(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else first_line(error, 200)


def _connection(parts: SplitResult) -> HTTPConnection:
    # Without a port, http.client takes the last group of an IPv6 address for it.
    if parts.scheme == "https":
        return HTTPSConnection(parts.hostname or "", parts.port or HTTPS_PORT, context=_tls())
    return HTTPConnection(parts.hostname or "", parts.port or HTTP_PORT)


def _connect(connection: HTTPConnection, deadline_s: float) -> None:
    """Connect until then, on the monotonic clock, to the first of the host's addresses that answers.

    Each address gets an equal part of the time that is left; http.client gives each the whole time.

    Raises:
        OSError: None answers.
    """
    sock = _connected(connection.host, connection.port, deadline_s)
    sock.settimeout(max(0.0, deadline_s - time.monotonic()))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if isinstance(connection, HTTPSConnection):
        sock = _tls().wrap_socket(sock, server_hostname=connection.host)
    connection.sock = sock


def _connected(host: str, port: int, deadline_s: float) -> socket.socket:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, (family, kind, protocol, _, address) in enumerate(addresses, 1):
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(max(0.0, deadline_s - time.monotonic()) / (len(addresses) - tried + 1))
            sock.connect(address)
        except OSError as error:
            if sock:
                sock.close()
            last = error
        else:
            return sock
    raise last


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _limited(connection: HTTPConnection, limit_s: float, cancel: int) -> Iterator[None]:
    """Close the connection after the limit, or when `cancel` becomes readable.

    A socket's own timeout begins anew with each byte that comes.

    Raises:
        HookFailureError: There is no thread left that could do it.
    """
    guard, done = start_thread(partial(_guard, connection, limit_s, cancel), "hook-limit")
    try:
        yield
    finally:
        os.eventfd_write(done, 1)
        guard.join()
        os.close(done)


def _guard(connection: HTTPConnection, limit_s: float, cancel: int, done: int) -> None:
    ready, _, _ = select.select([cancel, done], [], [], limit_s)
    while done not in ready:
        if sock := connection.sock:  # there is none while it is being connected
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not an SSLSocket's, which other threads may not call
        ready, _, _ = select.select([done], [], [], 0.1)
