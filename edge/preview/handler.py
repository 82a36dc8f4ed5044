"""Answers the requests of one connection: the page's files, and the stream of what the camera sees."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from functools import partial
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from edge.logs import LogOnce
from edge.preview.feed import MOST_VIEWERS
from edge.preview.pages import HEADERS, page_files
from edge.preview.record import record
from edge.preview.server import client_name
from edge.preview.status import EVERY_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedIOBase

    from edge.preview.access import Access
    from edge.preview.feed import Feed
    from edge.preview.server import BoundedServer
    from edge.preview.status import StatusReport

log = logging.getLogger(__name__)

STREAM = "/stream"

_SLOW_S = 10.0
"""Seconds that a viewer may take to receive one record; who takes longer is let go."""

_BUFFER = 64 * 1024
"""Bytes on their way to a viewer, about three pictures: a slow one skips frames instead of seeing old ones."""

_MOST_BYTES = 16 * 1024
"""Of a request's head; browsers send less than one of them."""

_LEAST_GAP_S = 0.04
"""Seconds between two frames to one viewer: 25 a second, though a clip is processed faster than it is shown."""


class PreviewHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for a few fixed paths; anything else is refused with a sentence."""

    server: BoundedServer
    server_version, sys_version = "emotion-edge", ""
    timeout = 5.0

    def __init__(self, access: Access, feed: Feed, status: StatusReport, refused: LogOnce, *args: Any) -> None:
        """Answer; the last arguments are those of the base class."""
        self._access, self._feed, self._status, self._refused = access, feed, status, refused
        super().__init__(*args)

    def setup(self) -> None:
        """Begin to read, a bounded number of bytes."""
        super().setup()
        self.rfile = _BoundedHead(self.rfile)  # type: ignore[assignment]  # all that is read of a stream

    def handle(self) -> None:
        """Answer one request; a client that leaves, or is too slow, ends it."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def finish(self) -> None:
        """End the answer."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().finish()

    def do_GET(self) -> None:
        """Send a file of the page, or the stream."""
        self._answer()

    def do_HEAD(self) -> None:
        """Send the headers alone."""
        self._answer()

    def _answer(self) -> None:
        self.server.request_read(self.connection)
        path = self.path.partition("?")[0]
        if refusal := self._access.refusal(self.headers, picture=path == STREAM):
            if refusal.status is HTTPStatus.UNAUTHORIZED and self.headers.get("Authorization"):
                client = client_name(self.client_address)
                self._refused.warning(client, "a wrong token came from %s: the preview was not shown", client)
            self._send_sentence(refusal.status, refusal.sentence)
        elif path == STREAM:
            self._send_stream()
        elif file := _FILES.get(path):
            self._send(HTTPStatus.OK, file.content_type, file.content)
        else:
            self._send_sentence(HTTPStatus.NOT_FOUND, "There is nothing here. The preview is at /")

    def _send_stream(self) -> None:
        with self._feed.viewer() as admitted:
            if not admitted:
                sentence = f"{MOST_VIEWERS} are looking already. Close one of their pages, and try again."
                self._send_sentence(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
                return
            self._send_head(HTTPStatus.OK, "application/octet-stream", None)
            if self.command == "HEAD":
                return
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            self.connection.settimeout(_SLOW_S)
            self._send_records(self.connection.sendall)

    def _send_records(self, send: Callable[[bytes], None]) -> None:
        """Send the newest frame whenever there is a newer one, and the status each second, until all is over."""
        number, told_s = 0, float("-inf")
        while not self._feed.over:
            now_s = time.monotonic()
            if now_s - told_s >= EVERY_S:
                told_s = now_s
                send(self._status.newest())
            if encoded := self._feed.wait(number, told_s + EVERY_S - time.monotonic()):
                number = encoded.number
                send(encoded.record())
                self._feed.rest(now_s + _LEAST_GAP_S - time.monotonic())
        send(record({"kind": "over", "why": self._feed.over}))

    def _send_sentence(self, status: HTTPStatus, sentence: str) -> None:
        self._send(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())

    def _send(self, status: HTTPStatus, content_type: str, content: bytes) -> None:
        self._send_head(status, content_type, len(content))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_head(self, status: HTTPStatus, content_type: str, length: int | None) -> None:
        self.request_version = self.protocol_version  # no answer goes without its headers, as of HTTP/0.9
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Bearer realm="emotion-edge preview"')
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002  # the base class's
        """Refuse what is no request that this server knows, with a sentence instead of the base class's page."""
        self.server.request_read(self.connection)
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._send_sentence(status, f"{status.phrase}. The preview answers GET and HEAD.")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's
        """Log at the level for looking for defects alone; the base class writes to standard error."""
        log.debug("%s: %s", client_name(self.client_address), format % args)


class _BoundedHead:
    """The stream of a request's head, which may have at most so many bytes."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream, self._left = stream, _MOST_BYTES
        self.close = stream.close

    def readline(self, most: int) -> bytes:
        if self._left <= 0:
            raise LineTooLong("header")  # noqa: EM101  # the base class answers
        line = self._stream.readline(min(most, self._left))
        self._left -= len(line)
        return line


_FILES = page_files()


def handler_of(access: Access, feed: Feed, status: StatusReport) -> Any:
    """Return what makes a handler of a connection, as `socketserver` calls it."""
    return partial(PreviewHandler, access, feed, status, LogOnce(log))
