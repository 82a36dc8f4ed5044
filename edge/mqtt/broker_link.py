"""The daemon's link to its broker: client, outbox, commands, Home Assistant, and the embedded broker if asked for."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from edge.config import Broker
from edge.mqtt.client import MqttClient
from edge.mqtt.commands import Commands, PendingCommands
from edge.mqtt.embedded_broker import HOST, EmbeddedBroker
from edge.mqtt.embedded_port import remembered
from edge.mqtt.homeassistant import HomeAssistant
from edge.wire.messages import BrokerHealth, OutboxHealth
from edge.wire.topics import Topics

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from contextlib import ExitStack

    from edge.config import HomeAssistantConfig, Settings
    from edge.mqtt.discovery import Announcement
    from edge.mqtt.message import Incoming
    from edge.mqtt.outbox import Outbox
    from edge.wire.messages import FaceEvent
    from edge.wire.topics import Topic

log = logging.getLogger(__name__)

_DRAIN_S = 10.0
"""Seconds that a clip's last events have to reach a broker that is there."""

_CONNECT_S = 2.0
"""Seconds that a broker has to be there by then."""


@dataclass(frozen=True)
class LinkStatus:
    """What `health` says about the link."""

    latencies_ms: tuple[float, ...] = ()
    """Capture to broker's acknowledgement of the newest events."""

    outbox: OutboxHealth = field(default_factory=lambda: OutboxHealth(depth=0, dropped=0))
    broker: BrokerHealth = field(default_factory=lambda: BrokerHealth(reconnects=0, refused=None))
    commands_ignored: int = 0


class BrokerLink(Protocol):
    """What the daemon needs of its broker."""

    @property
    def topics(self) -> Topics:
        """The device's topics."""

    @property
    def broker(self) -> Broker:
        """Where messages go; the embedded broker by its address."""

    def announce(self, config: HomeAssistantConfig, announcement: Announcement) -> None:
        """Announce the device to Home Assistant, as `HomeAssistant.announce` says."""

    def publish_event(self, event: FaceEvent, captured_s: float) -> None:
        """Publish an event, captured then on the monotonic clock; it waits until the broker has acknowledged it."""

    def publish_retained(self, topic: Topic, payload: str) -> None:
        """Publish the newest payload of a retained topic, now and on every connect."""

    def publish_live(self, topic: Topic, payload: Callable[[], str]) -> bool:
        """Publish what is worthless when it is late, as `MqttClient.publish_live` says."""

    def take_commands(self) -> PendingCommands:
        """Return the commands since the last call."""

    def answer(self, request: Incoming, payload: str) -> None:
        """Answer a request."""

    def attend(self, now_s: float) -> None:
        """Do what is due; call it often."""

    def status(self) -> LinkStatus:
        """Return what `health` says about the link."""

    def drain(self, stop: threading.Event) -> None:
        """Wait until the broker has every event, for a bounded time."""


class NullBrokerLink:
    """The link of a daemon without a broker: nothing goes out, nothing comes in."""

    def __init__(self, topics: Topics) -> None:
        self.topics = topics
        self.broker = Broker("none")

    def announce(self, config: HomeAssistantConfig, announcement: Announcement) -> None:
        """Do nothing."""

    def publish_event(self, event: FaceEvent, captured_s: float) -> None:
        """Do nothing."""

    def publish_retained(self, topic: Topic, payload: str) -> None:
        """Do nothing."""

    def publish_live(self, _topic: Topic, _payload: Callable[[], str]) -> bool:
        """Return False."""
        return False

    def take_commands(self) -> PendingCommands:
        """Return no command."""
        return PendingCommands()

    def answer(self, request: Incoming, payload: str) -> None:
        """Do nothing."""

    def attend(self, now_s: float) -> None:
        """Do nothing."""

    def status(self) -> LinkStatus:
        """Return an empty status."""
        return LinkStatus()

    def drain(self, stop: threading.Event) -> None:
        """Return at once."""


class MqttLink:
    """Client, outbox, commands and Home Assistant of one daemon."""

    def __init__(self, client: MqttClient, outbox: Outbox, commands: Commands, home: HomeAssistant) -> None:
        self._client, self._outbox, self._commands, self._home = client, outbox, commands, home

    @property
    def topics(self) -> Topics:
        """The device's topics."""
        return self._client.topics

    @property
    def broker(self) -> Broker:
        """Where messages go; the embedded broker by its address."""
        return self._client.broker

    def announce(self, config: HomeAssistantConfig, announcement: Announcement) -> None:
        """Announce the device to Home Assistant, as `HomeAssistant.announce` says."""
        self._home.configure(config)
        self._home.announce(announcement)

    def publish_event(self, event: FaceEvent, captured_s: float) -> None:
        """Publish an event, captured then on the monotonic clock; it waits until the broker has acknowledged it."""
        self._client.publish_event(event, captured_s)

    def publish_retained(self, topic: Topic, payload: str) -> None:
        """Publish the newest payload of a retained topic, now and on every connect."""
        self._client.publish_retained(topic, payload)

    def publish_live(self, topic: Topic, payload: Callable[[], str]) -> bool:
        """Publish what is worthless when it is late, as `MqttClient.publish_live` says."""
        return self._client.publish_live(topic, payload)

    def take_commands(self) -> PendingCommands:
        """Return the commands since the last call."""
        return self._commands.take()

    def answer(self, request: Incoming, payload: str) -> None:
        """Answer a request on its response topic."""
        self._client.publish_once(self._commands.answer(request, payload))

    def attend(self, now_s: float) -> None:
        """Do what is due for Home Assistant; call it often."""
        self._home.attend(now_s)

    def status(self) -> LinkStatus:
        """Return what `health` says about the link."""
        outbox = self._outbox.status
        return LinkStatus(
            latencies_ms=self._client.latencies,
            outbox=OutboxHealth(depth=outbox.depth, dropped=outbox.dropped, for_other_brokers=outbox.for_other_brokers),
            broker=self._client.health,
            commands_ignored=self._commands.ignored,
        )

    def drain(self, stop: threading.Event) -> None:
        """Wait until the broker has every event: a clip is read faster than a broker takes it."""
        began_s = time.monotonic()
        client, outbox = self._client, self._outbox
        while outbox.status.depth and not client.refused and not stop.wait(0.02):
            waited_s = time.monotonic() - began_s
            if waited_s >= (_DRAIN_S if client.connected else _CONNECT_S):
                break
        if depth := outbox.status.depth:
            reason = client.refused or ("too slow" if client.connected else "not reached")
            log.warning("%d events did not reach the broker (%s)", depth, reason)


def connect(settings: Settings, outbox: Outbox, cleanup: ExitStack) -> BrokerLink:
    """Start the client, and before it the embedded broker if the settings ask for it.

    Args:
        settings: Which broker, and what Home Assistant is told.
        outbox: Where events wait.
        cleanup: Ends what was started.

    Returns:
        The link; a `NullBrokerLink` without a broker.

    Raises:
        ConfigError: A password, certificate or key cannot be read, or the embedded broker does not start.
    """
    broker = settings.mqtt.broker
    config = settings.mqtt
    if broker.kind == "none":
        return NullBrokerLink(Topics(config.base_topic, config.device))
    if broker.kind == "embedded":
        embedded = EmbeddedBroker()
        port = embedded.start()
        cleanup.callback(embedded.stop)
        cleanup.enter_context(remembered(port))
        config = config.model_copy(update={"url": f"mqtt://{HOST}:{port}"})
        log.info("a broker for trying things listens at %s", config.broker)
    client = MqttClient(config, outbox, mqtt5=broker.kind != "embedded")
    commands = Commands(client.topics)
    commands.subscribe(client)
    home = HomeAssistant(settings.homeassistant, client)
    client.start()
    cleanup.callback(client.close)
    return MqttLink(client, outbox, commands, home)
