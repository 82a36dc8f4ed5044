"""Receive what devices publish."""

from __future__ import annotations

import logging
import queue
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from edge.errors import ConfigError
from edge.mqtt.credentials import credentials
from edge.mqtt.embedded_port import embedded_port
from edge.mqtt.failure import reason_of
from edge.mqtt.paho_client import PahoClient
from edge.system.service import CREDENTIALS
from edge.watch.fleet import Message
from edge.wire.topics import Topics

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    import paho.mqtt.client as paho
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.config import MqttConfig

log = logging.getLogger(__name__)


class Subscriber:
    """Receives everything below one device's topics, or all devices', until it is closed."""

    def __init__(self, config: MqttConfig, device: str, *, silent: bool = False) -> None:
        """Check the settings and subscribe in the background; an absent broker is tried again and again.

        Args:
            config: Where the broker is.
            device: One device's name, or ``+`` for all.
            silent: Do not log `problem`; the caller shows it.

        Raises:
            ConfigError: The address names no broker on the network, or a password or certificate cannot be read.
        """
        broker = config.broker
        if broker.kind == "embedded":
            broker = replace(broker, kind="network", port=embedded_port())
        if broker.kind != "network":
            message = f"mqtt.url: {broker.kind}: there is nothing to watch; write --broker mqtt://host"
            raise ConfigError(message)
        self.problem: str | None = None
        """Why nothing is received, for a person; None while subscribed."""
        self._silent = silent
        self._broker = broker
        self._topic = f"{Topics(config.base_topic, device).root}/#"
        self._received: queue.SimpleQueue[Message] = queue.SimpleQueue()
        # Every broker speaks 3.1.1, the embedded one too, and a subscriber needs no more.
        self._client = PahoClient("", mqtt5=False, reconnect=True, on_skipped=_log_skipped)
        password, tls = _credentials(config)
        if broker.user:
            self._client.username_pw_set(broker.user, password)
        if tls:
            self._client.tls_set_context(tls)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 30)
        self._client.connect_async(broker.host, broker.port, keepalive=30)
        self._client.loop_start()

    def take(self, wait_s: float) -> list[Message]:
        """Return all messages received since the last call, after waiting for one for at most `wait_s` seconds."""
        try:
            taken = [self._received.get(timeout=wait_s)] if wait_s > 0 else [self._received.get_nowait()]
        except queue.Empty:
            return []
        while not self._received.empty():
            taken.append(self._received.get_nowait())
        return taken

    def close(self) -> None:
        """Disconnect. What was received until then can still be taken."""
        self._client.on_disconnect = None
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._received.put(Message(message.topic, bytes(message.payload), datetime.now(UTC), message.retain))

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _extra: Any) -> None:
        if code.is_failure:
            self._report(f"{self._broker} refuses: {str(code).lower()}; trying again")
            return
        client.subscribe(self._topic, qos=1)

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, codes: Sequence[ReasonCode], _extra: Any
    ) -> None:
        refusal = next((code for code in codes if code.is_failure), None)
        if refusal:
            self._report(f"{self._broker} denies reading {self._topic}: {str(refusal).lower()}")
        elif codes:  # a broker may answer nonsense
            self.problem = None

    def _on_connect_fail(self, *_: Any) -> None:
        error = sys.exc_info()[1]  # paho calls this where it catches it
        reason = f": {reason_of(error)}" if isinstance(error, OSError) else ""
        self._report(f"cannot reach {self._broker}{reason}; trying again")

    def _on_disconnect(self, *_: Any) -> None:
        if self.problem is None:
            self._report(f"lost {self._broker}; trying again")

    def _report(self, problem: str) -> None:
        """Log a problem once, until there is another one or none."""
        if problem != self.problem:
            self.problem = problem
            if not self._silent:
                log.warning("%s", problem)


def _log_skipped(reason: str) -> None:
    log.debug("a message is skipped: %s", reason)


def _credentials(config: MqttConfig) -> tuple[str | None, ssl.SSLContext | None]:
    try:
        return credentials(config)
    except ConfigError as error:
        if config.password_file and config.password_file.is_relative_to(CREDENTIALS):
            message = f"{error}; only the service can read that one: write --user NAME --password-file FILE"
            raise ConfigError(message) from None
        raise
