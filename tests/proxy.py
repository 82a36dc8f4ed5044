"""A bad network between a client and its broker: cut, reset, stalled, slow or corrupting, on command."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

from tests.broker import HOST

if TYPE_CHECKING:
    from collections.abc import Coroutine

_CHUNK = 4096
_TICK_S = 0.02


class Proxy:
    """Passes every connection on to a port of this machine, as well as it is told to.

    Its attributes may be set at any time, from any thread, and hold for open connections too.

    Args:
        upstream: The broker's port.
    """

    def __init__(self, upstream: int) -> None:
        self.port = 0
        self.shut = False
        """Turn new connections away, as a port does where nobody listens."""
        self.bytes_per_s = math.inf
        """In each direction of each connection; 0 stalls it."""
        self.corrupting = False
        """Flip a bit in every chunk, in both directions."""
        self.upstream = upstream
        """Where new connections lead."""
        self._links: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    def cut(self) -> None:
        """End every connection in good order, wherever in a message it is."""
        self._do(self._end(reset=False))

    def reset(self) -> None:
        """End every connection with RST: what was on its way is gone."""
        self._do(self._end(reset=True))

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.shut, self.bytes_per_s = True, math.inf
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _do(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        while self._links:
            await self._end(reset=True)
            await asyncio.sleep(_TICK_S)

    async def _end(self, *, reset: bool) -> None:
        for writer in list(self._links):
            _end(writer, reset=reset)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        try:
            if not self.shut:
                broker_reader, broker_writer = await asyncio.open_connection(HOST, self.upstream)
                ends.add(broker_writer)
                self._links |= ends
                await asyncio.gather(self._pump(reader, broker_writer), self._pump(broker_reader, writer))
        except OSError:  # nobody listens there
            pass
        finally:
            for end in ends:
                _end(end, reset=len(ends) == 1)
                with contextlib.suppress(OSError):
                    await end.wait_closed()
            self._links -= ends

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on until either side ends; then the other ends too."""
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK if math.isinf(self.bytes_per_s) else 64):
                while self.bytes_per_s == 0:  # noqa: ASYNC110  # other threads set it
                    await asyncio.sleep(_TICK_S)
                await asyncio.sleep(len(data) / self.bytes_per_s)
                writer.write(_flip(data) if self.corrupting else data)
                await writer.drain()
        _end(writer, reset=False)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        sock = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):  # closed already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


def _flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]
