"""Hear what devices publish."""

from __future__ import annotations

import logging
import queue
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge.errors import ConfigError
from edge.mqtt.credentials import credentials
from edge.watch.board import Message
from edge.wire.topics import Topics

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.config import MqttConfig

log = logging.getLogger(__name__)


class Listener:
    """Hears everything below one device's topics, or all devices', for as long as it lives."""

    def __init__(self, config: MqttConfig, device: str, *, silent: bool = False) -> None:
        """Check the settings and begin to listen; a broker that is away is tried again and again.

        Args:
            config: Where the broker is.
            device: One device's name, or ``+`` for all.
            silent: True where `trouble` is looked at, so that it need not be logged.

        Raises:
            ConfigError: The address names no broker on the network, or a password or certificate cannot be read.
        """
        broker = config.broker
        if broker.kind == "embedded":  # on its first port, where nothing else is there
            broker = replace(broker, kind="network")
        if broker.kind != "network":
            message = f"{config.url}: there is nothing to watch; write --broker mqtt://host"
            raise ConfigError(message)
        self.trouble: str | None = None
        """What keeps us from hearing, for a person; None where nothing does."""
        self._silent = silent
        self._broker = broker
        self._topic = f"{Topics(config.base_topic, device).root}/#"
        self._heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        # 3.1.1 is spoken by every broker, the embedded one too, and a listener needs no more.
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        password, tls = credentials(config)
        if broker.user:
            self._client.username_pw_set(broker.user, password)
        if tls:
            self._client.tls_set_context(tls)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_connect_fail = lambda *_: self._tell(f"cannot reach {broker}; trying again")
        self._client.on_message = self._hear
        self._client.reconnect_delay_set(1, 30)
        self._client.connect_async(broker.host, broker.port, keepalive=30)
        self._client.loop_start()

    def take(self, wait_s: float) -> list[Message]:
        """Wait for a message, at most so long, and take all that are there then."""
        try:
            taken = [self._heard.get(timeout=wait_s)] if wait_s > 0 else [self._heard.get_nowait()]
        except queue.Empty:
            return []
        while not self._heard.empty():
            taken.append(self._heard.get_nowait())
        return taken

    def close(self) -> None:
        """Leave the broker. What was heard until then can still be taken."""
        self._client.on_disconnect = None
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hear(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._heard.put(Message(message.topic, bytes(message.payload), datetime.now(UTC), message.retain))

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _extra: Any) -> None:
        if code.is_failure:
            self._tell(f"{self._broker} refuses: {str(code).lower()}; trying again")
            return
        self.trouble = None
        client.subscribe(self._topic, qos=1)

    def _disconnected(self, *_: Any) -> None:
        if self.trouble is None:
            self._tell(f"lost {self._broker}; trying again")

    def _tell(self, trouble: str) -> None:
        """Say it once, until something else is wrong or it is mended."""
        if trouble != self.trouble:
            self.trouble = trouble
            if not self._silent:
                log.warning("%s", trouble)
