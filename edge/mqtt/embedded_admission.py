"""The embedded broker's door: what is no MQTT 3.1.1 is answered, or let go, before amqtt sees it.

amqtt waits for the rest of a packet that never comes where a client speaks MQTT 5, and prints a traceback where a port
check, another protocol or half a packet comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from edge.logs import LogOnce

log = logging.getLogger(__name__)

_CONNECT_S = 5.0
"""Seconds that a client has for its CONNECT."""

_MOST_BYTES = 350_000
"""Of a CONNECT: five strings of 64 kB are all that it may hold."""

_CONNECT = b"\x10"
_SPOKEN = b"\x00\x04MQTT\x04"
"""How the content of a CONNECT of MQTT 3.1.1 begins."""

_MQTT_5 = b"\x00\x04MQTT\x05"
_REFUSED_5 = b"\x20\x03\x00\x84\x00"
"""CONNACK of MQTT 5: "Unsupported Protocol Version"."""

_REFUSED = b"\x20\x02\x00\x01"
"""CONNACK of older versions: "unacceptable protocol version"."""

_OLDER = (b"\x00\x04MQTT", b"\x00\x06MQIsdp")


class _WithHead:
    """A stream of which the beginning was read already."""

    def __init__(self, head: bytes, stream: asyncio.StreamReader) -> None:
        self._head, self._stream = head, stream

    async def read(self, count: int = -1) -> bytes:
        if not self._head:
            return await self._stream.read(count)
        if count < 0:
            return self._take(len(self._head)) + await self._stream.read(count)
        return self._take(count)

    async def readexactly(self, count: int) -> bytes:
        taken = self._take(count)
        return taken if len(taken) == count else taken + await self._stream.readexactly(count - len(taken))

    def feed_eof(self) -> None:
        self._stream.feed_eof()

    def _take(self, count: int) -> bytes:
        taken, self._head = self._head[:count], self._head[count:]
        return taken


def admitting(broker_class: Any) -> Any:
    """Return amqtt's broker with the door: clients that speak MQTT 3.1.1 come in."""
    problems = LogOnce(log)

    class AdmittingBroker(broker_class):  # type: ignore[misc]  # amqtt is imported when it is used
        def __init__(self, config: dict[str, Any]) -> None:
            super().__init__(config)
            self.waiting: set[asyncio.Task[Any]] = set()
            """Connections that have not said what they are."""

        async def stream_connected(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
        ) -> None:
            if not (task := asyncio.current_task()):
                return
            self.waiting.add(task)
            try:
                header, content = await _read_connect(reader)
            finally:
                self.waiting.discard(task)
            if content.startswith(_SPOKEN):
                await super().stream_connected(_WithHead(header + content, reader), writer, listener_name)
                return
            if content.startswith(_OLDER):
                problems.warning("version", "a client was refused: the embedded broker speaks MQTT 3.1.1 only")
                writer.write(_REFUSED_5 if content.startswith(_MQTT_5) else _REFUSED)
            with contextlib.suppress(OSError):
                await writer.drain()
            writer.close()

    return AdmittingBroker


async def _read_connect(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return header and content of a client's first packet if it is a whole CONNECT, else nothing."""
    try:
        async with asyncio.timeout(_CONNECT_S):
            header = await reader.readexactly(2)
            if header[:1] != _CONNECT:
                return b"", b""
            while header[-1] & 0x80 and len(header) < 5:
                header += await reader.readexactly(1)
            length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(header[1:]))
            return (header, await reader.readexactly(length)) if length <= _MOST_BYTES else (b"", b"")
    except (asyncio.IncompleteReadError, TimeoutError, OSError):
        return b"", b""
