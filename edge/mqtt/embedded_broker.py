"""A broker beside the daemon, for trying things without installing one."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from edge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
_FIRST_PORT = 1883
_PORTS = 100
_START_S = 10.0
_STOP_S = 2.0
_LAST_TURNS = 5


class EmbeddedBroker:
    """amqtt in a thread of its own: this machine only, anonymous, nothing kept. It speaks MQTT 3.1.1 only.

    A client that tries MQTT 5 gets no answer from it.

    Example:
        >>> broker = EmbeddedBroker()
        >>> port = broker.start()
        >>> broker.stop()
    """

    def __init__(self, first_port: int = _FIRST_PORT) -> None:
        """Prepare a broker; `start` opens it.

        Args:
            first_port: The first port to try.

        Raises:
            ConfigError: amqtt is not installed.
        """
        try:
            self._broker_class: Callable[[dict[str, Any]], Any] = importlib.import_module("amqtt.broker").Broker
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "amqtt":
                raise
            message = (
                "the embedded broker is not installed: pip install 'emotion-edge[demo]', or name a broker's address"
            )
            raise ConfigError(message) from None
        # These two log every packet and connection.
        logging.getLogger("amqtt").setLevel(logging.WARNING)
        logging.getLogger("transitions").setLevel(logging.WARNING)
        self._first_port = first_port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._broker: Any = None

    def start(self) -> int:
        """Open the broker on the next free port, and return that port.

        Raises:
            ConfigError: No port is free, or the broker does not start.
        """
        port = _free_port(self._first_port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)
        self._thread.start()
        try:
            self._broker = asyncio.run_coroutine_threadsafe(self._open(port), self._loop).result(_START_S)
        except Exception as error:
            self.stop()
            message = f"the embedded broker does not start on port {port} ({error!r}); try again, or name a broker"
            raise ConfigError(message) from error
        return port

    def stop(self) -> None:
        """Close the broker and end its thread. Safe to call twice."""
        if self._loop is None or self._thread is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_STOP_S)
        except TimeoutError:
            logging.getLogger(__name__).warning("the embedded broker did not stop within %g s", _STOP_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_S)
        if not self._thread.is_alive():
            self._loop.close()
        self._loop = self._thread = None

    async def _open(self, port: int) -> Any:
        broker = self._broker_class(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        await broker.start()
        return broker

    async def _close(self) -> None:
        if self._broker:
            await self._broker.shutdown()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for _ in range(_LAST_TURNS):  # connections that were closed let go in the loop's next turns
            await asyncio.sleep(0)


def _free_port(first: int) -> int:
    for port in range(first, first + _PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                probe.listen()
            except OSError:
                continue
            return port
    message = f"no port from {first} to {first + _PORTS - 1} is free for the embedded broker"
    raise ConfigError(message)
