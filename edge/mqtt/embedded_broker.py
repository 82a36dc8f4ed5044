"""A broker beside the daemon, for trying things without installing one."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from edge.errors import ConfigError
from edge.logs import LogOnce
from edge.mqtt.embedded_admission import admitting
from edge.mqtt.embedded_port import FIRST_PORT
from edge.system.packages import REQUIREMENTS, pip_install
from edge.text import first_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
_PORTS = 100
_START_S = 10.0
_STOP_S = 2.0
_LAST_TURNS = 5


class EmbeddedBroker:
    """amqtt in a thread of its own: this machine only, anonymous, nothing kept. It speaks MQTT 3.1.1 only.

    A client that tries MQTT 5 is refused with that reason. What goes wrong with a client is logged once, in one line.

    Example:
        >>> broker = EmbeddedBroker()
        >>> port = broker.start()
        >>> broker.stop()
    """

    def __init__(self, first_port: int = FIRST_PORT) -> None:
        """Prepare a broker; `start` opens it.

        Args:
            first_port: The first port to try.

        Raises:
            ConfigError: amqtt is not installed.
        """
        broker_class = load_amqtt()
        self._problems = LogOnce(log)
        self._broker_class: Callable[[dict[str, Any]], Any] = admitting(broker_class)
        self._library_logs = _OneLine(self._problems)
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
        self._library_logs.attach()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._unhandled)  # asyncio's own prints a traceback
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
            log.warning("the embedded broker did not stop within %g s", _STOP_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_S)
        if not self._thread.is_alive():
            self._loop.close()
        self._library_logs.detach()
        self._loop = self._thread = None

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        _report(self._problems, first_line(error) if error else str(context.get("message")))

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
            for task in self._broker.waiting:
                task.cancel()
            await self._broker.shutdown()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for _ in range(_LAST_TURNS):  # connections that were closed let go in the loop's next turns
            await asyncio.sleep(0)


def load_amqtt() -> Any:
    """Return amqtt's class of brokers.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        return importlib.import_module("amqtt.broker").Broker
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "amqtt":
            raise
        message = (
            "mqtt.url: the embedded broker is not installed: name a broker's address, "
            f"or {pip_install(REQUIREMENTS['amqtt'])}"
        )
        raise ConfigError(message) from None


class _OneLine(logging.Handler):
    """Logs the first warning of amqtt in one line, where amqtt logs a traceback for each client that misbehaves."""

    def __init__(self, problems: LogOnce) -> None:
        super().__init__(logging.WARNING)
        self._problems = problems
        self._loggers = [logging.getLogger(name) for name in ("amqtt", "transitions")]  # transitions: its states

    def attach(self) -> None:
        """Take over what amqtt logs."""
        for logger in self._loggers:
            logger.addHandler(self)
            logger.propagate = False

    def detach(self) -> None:
        """Leave amqtt's loggers as they were."""
        for logger in self._loggers:
            logger.removeHandler(self)
            logger.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _report(self._problems, record.getMessage())
        except (TypeError, ValueError, KeyError):  # of a wrong format
            self.handleError(record)


def _report(problems: LogOnce, what: str) -> None:
    problems.warning("client", "a client's connection failed: %s; further ones are not logged", printable(what, 120))


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
