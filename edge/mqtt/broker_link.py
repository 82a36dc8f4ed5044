"""The daemon's link to its broker: client, outbox, commands, Home Assistant, and the embedded broker if asked for."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.mqtt.client import MqttClient
from edge.mqtt.commands import Commands
from edge.mqtt.embedded_broker import EmbeddedBroker
from edge.mqtt.homeassistant import HomeAssistant

if TYPE_CHECKING:
    import threading
    from contextlib import ExitStack

    from edge.config import Settings
    from edge.mqtt.outbox.queue import Outbox

_LOG = logging.getLogger(__name__)

_DRAIN_S = 10.0
"""Seconds that a clip's last events have to reach a broker that is there."""

_CONNECT_S = 2.0
"""Seconds that a broker has to be there by then."""


@dataclass(frozen=True)
class BrokerLink:
    """Client, outbox, commands and Home Assistant of one daemon."""

    client: MqttClient
    outbox: Outbox
    commands: Commands
    home: HomeAssistant

    def drain(self, stop: threading.Event) -> None:
        """Wait until the broker has every event: a clip is read faster than a broker takes it."""
        began_s = time.monotonic()
        client, outbox = self.client, self.outbox
        while outbox.depth and not client.refused and not stop.wait(0.02):
            waited_s = time.monotonic() - began_s
            if waited_s >= (_DRAIN_S if client.connected else _CONNECT_S):
                break
        if outbox.depth:
            reason = client.refused or ("too slow" if client.connected else "not reached")
            _LOG.warning("%d events did not reach the broker (%s)", outbox.depth, reason)


def connect(settings: Settings, outbox: Outbox, cleanup: ExitStack) -> BrokerLink | None:
    """Start the client, and before it the broker beside the daemon where that is wanted; None without a broker.

    Args:
        settings: Which broker, and what Home Assistant is told.
        outbox: Where events wait.
        cleanup: Ends what was started.

    Raises:
        ConfigError: A password, certificate or key cannot be read, or the broker beside the daemon does not start.
    """
    broker = settings.mqtt.broker
    if broker.kind == "none":
        return None
    config = settings.mqtt
    if broker.kind == "embedded":
        embedded = EmbeddedBroker()
        port = embedded.start()
        cleanup.callback(embedded.stop)
        config = config.model_copy(update={"url": f"mqtt://127.0.0.1:{port}"})
        _LOG.info("a broker for trying things listens on 127.0.0.1, port %d", port)
    client = MqttClient(config, outbox, mqtt5=broker.kind != "embedded")
    commands = Commands(client.topics)
    commands.listen(client)
    home = HomeAssistant(settings.homeassistant, client)
    client.start()
    cleanup.callback(client.close)
    return BrokerLink(client, outbox, commands, home)
