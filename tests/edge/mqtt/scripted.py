"""A broker that does what a test says, where mosquitto cannot be made to misbehave."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Self

from tests.broker import HOST

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

CONNACK = b"\x20\x03\x00\x00\x00"
"""MQTT 5: accepted, no properties."""
CONNACK_311 = b"\x20\x02\x00\x00"
UNACCEPTABLE_VERSION = b"\x20\x02\x00\x01"
CLOSE = b"close"
"""An answer to a PUBLISH: none, and the connection is closed."""


@dataclass(frozen=True)
class Published:
    """A PUBLISH that came."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: bytes
    size: int
    """Bytes of the whole packet."""

    mid: bytes
    """Its packet identifier, which the answer repeats; empty with QoS 0."""

    mqtt5: bool


def publish(
    topic: bytes, properties: bytes | None = b"", payload: bytes = b"", *, mid: int = 0, flags: int = 0
) -> bytes:
    """Return a PUBLISH packet; None as properties makes it one of MQTT 3.1.1."""
    header = 0x30 | flags | (0x02 if mid and not flags & 0x06 else 0)
    body = len(topic).to_bytes(2, "big") + topic + (mid.to_bytes(2, "big") if mid else b"")
    if properties is not None:
        body += length(len(properties)) + properties
    return packet(header, body + payload)


def packet(header: int, body: bytes) -> bytes:
    return bytes([header]) + length(len(body)) + body


def length(number: int) -> bytes:
    """Return a variable byte integer."""
    encoded = bytearray()
    while True:
        number, digit = divmod(number, 128)
        encoded.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


class ScriptedBroker(socketserver.ThreadingTCPServer):
    """Speaks enough MQTT for one client.

    Args:
        connack: The answer to CONNECT with MQTT 5; empty closes the connection.
        connack_311: The same with MQTT 3.1.1.
        granted: The answer to each filter of a SUBSCRIBE.
        greeting: Packets that are sent after each SUBACK.
        hangs_up_at: A type of packet (the upper four bits) at which it closes the connection.
        answer: The answer to a PUBLISH; `CLOSE` closes the connection. None: PUBACK.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self,
        *,
        connack: bytes = CONNACK,
        connack_311: bytes = CONNACK_311,
        granted: bytes = b"\x00",
        greeting: bytes = b"",
        hangs_up_at: int = -1,
        answer: Callable[[Published], bytes | None] = lambda _: None,
    ) -> None:
        super().__init__((HOST, 0), _Session)
        self.connack, self.connack_311 = connack, connack_311
        self.granted, self.greeting, self.answer = granted, greeting, answer
        self.hangs_up_at = hangs_up_at
        self.versions: list[int] = []
        """The protocol level of each CONNECT: 5, or 4 for MQTT 3.1.1."""
        self.published: list[Published] = []
        self.acknowledged: list[int] = []
        """Packet identifiers of the PUBACKs that came."""
        self.sessions: list[socket.socket] = []
        self._writing = threading.Lock()

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.server_address[1]}"

    def topics(self) -> list[str]:
        return [published.topic for published in list(self.published)]

    def send(self, packets: bytes, session: socket.socket | None = None) -> None:
        """Send this to a client, to the newest unless told otherwise."""
        with self._writing:
            (session or self.sessions[-1]).sendall(packets)

    def hang_up(self) -> None:
        """Close every connection."""
        for session in self.sessions:
            with contextlib.suppress(OSError):  # it left before
                session.shutdown(SHUT_RDWR)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.hang_up()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: ScriptedBroker

    def handle(self) -> None:
        self.server.sessions.append(self.request)
        self._mqtt5 = True
        with contextlib.suppress(OSError, EOFError):
            while True:
                header, size, shift = self._read(1)[0], 0, 0
                while (byte := self._read(1)[0]) & 0x80:
                    size += (byte & 0x7F) << shift
                    shift += 7
                answer = self._answer(header, self._read(size + (byte << shift)))
                if answer == CLOSE:
                    return
                self.server.send(answer, self.request)

    def _read(self, size: int) -> bytes:
        read = self.rfile.read(size)
        if len(read) < size:
            raise EOFError
        return read

    def _answer(self, header: int, body: bytes) -> bytes:
        kind = header & 0xF0
        if kind == self.server.hangs_up_at:
            return CLOSE
        if kind == 0x10:  # CONNECT
            self.server.versions.append(body[6])
            self._mqtt5 = body[6] == 5
            return (self.server.connack if self._mqtt5 else self.server.connack_311) or CLOSE
        if kind == 0x80:  # SUBSCRIBE
            codes = self.server.granted * self._filters(body)
            return packet(0x90, body[:2] + (b"\x00" if self._mqtt5 else b"") + codes) + self.server.greeting
        if kind == 0xA0:  # UNSUBSCRIBE of one filter, which there is not
            return packet(0xB0, body[:2] + (b"\x00\x11" if self._mqtt5 else b""))
        if kind == 0x40:  # PUBACK
            self.server.acknowledged.append(int.from_bytes(body[:2], "big"))
        if kind == 0xC0:  # PINGREQ
            return b"\xd0\x00"
        return self._answer_publish(header, body) if kind == 0x30 else b""

    def _answer_publish(self, header: int, body: bytes) -> bytes:
        end = 2 + int.from_bytes(body[:2], "big")
        qos = header >> 1 & 3
        mid = body[end : end + 2] if qos else b""
        properties, payload = _split(body[end + len(mid) :]) if self._mqtt5 else (b"", body[end + len(mid) :])
        size = 1 + len(length(len(body))) + len(body)
        published = Published(body[2:end].decode(), payload, qos, bool(header & 1), properties, size, mid, self._mqtt5)
        self.server.published.append(published)
        answer = self.server.answer(published)
        return (packet(0x40, mid) if qos else b"") if answer is None else answer

    def _filters(self, body: bytes) -> int:
        at, count = 3 if self._mqtt5 else 2, 0
        while at < len(body):
            at += 3 + int.from_bytes(body[at : at + 2], "big")
            count += 1
        return count


def _split(rest: bytes) -> tuple[bytes, bytes]:
    """Return properties and payload, which follow each other."""
    size = at = 0
    while True:
        size += (rest[at] & 0x7F) << 7 * at
        at += 1
        if not rest[at - 1] & 0x80:
            return rest[at : at + size], rest[at + size :]
