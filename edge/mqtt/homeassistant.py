"""Home Assistant: the device appears there by itself, with its entities, and disappears when that is disabled.

One retained message announces all of them: `edge.mqtt.discovery` makes it.
"""

from __future__ import annotations

import json
import logging
import random
import time
from typing import TYPE_CHECKING

from edge.mqtt.client_id import object_id
from edge.mqtt.discovery import discovery
from edge.mqtt.message import Outgoing
from edge.wire.topics import HomeAssistantTopics

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import HomeAssistantConfig
    from edge.mqtt.client import MqttClient
    from edge.mqtt.discovery import Announcement
    from edge.mqtt.message import Incoming
    from edge.mqtt.subscriptions import Handler

log = logging.getLogger(__name__)

MOST_WAIT_S = 5.0
"""Longest wait after Home Assistant's start, of which a random part is waited: a fleet must not answer at once."""


class HomeAssistant:
    """Announces the device, and again when Home Assistant has started; or takes the announcement back."""

    def __init__(
        self,
        config: HomeAssistantConfig,
        client: MqttClient,
        *,
        share: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Subscribe; call it before the client's start.

        Args:
            config: Whether, and below which prefix.
            client: Publishes and subscribes.
            share: A random number from 0 to 1.
            clock: Seconds that never jump, the same as of `attend`.
        """
        self._client = client
        self._share, self._clock = share, clock
        self._config = config
        self._topics = HomeAssistantTopics(config.prefix, object_id(client.topics.root))
        self._labels: tuple[str, ...] = ()
        """Of every announcement so far: what is no longer there has to be taken back by name."""
        self._due_s: float | None = None
        self._left_over = self._told = False
        topic, handler = self._subscription()
        client.subscribe(topic, handler, retained=not config.enabled)

    def _subscription(self) -> tuple[str, Handler]:
        """Return what is listened to: Home Assistant's start, or an announcement from when this was enabled."""
        if self._config.enabled:
            return self._topics.status, self.handle_status
        return self._topics.config, self.handle_config

    def configure(self, config: HomeAssistantConfig) -> None:
        """Take another configuration over: an announcement that is no longer wanted is taken back."""
        if config == self._config:
            return
        listened, _ = self._subscription()
        if self._config.enabled:
            # Kept as what is so now: it is sent also where the broker comes back later.
            self._client.publish_retained(self._topics.config, "")
        self._config, self._told = config, False
        self._topics = HomeAssistantTopics(config.prefix, object_id(self._client.topics.root))
        topic, handler = self._subscription()
        self._client.replace_subscription(listened, topic, handler, retained=not config.enabled)

    def handle_status(self, message: Incoming) -> None:
        """Note that Home Assistant has started: its birth message."""
        if message.payload == b"online":
            self._due_s = self._clock() + MOST_WAIT_S * self._share()

    def handle_config(self, message: Incoming) -> None:
        """Note that the broker keeps an announcement from when this was enabled."""
        self._left_over = bool(message.payload)

    def announce(self, announcement: Announcement) -> None:
        """Announce the device, if that is enabled."""
        if self._config.enabled:
            self._labels = tuple(dict.fromkeys((*self._labels, *announcement.labels)))
            payload = discovery(self._client.topics, announcement, self._labels)
            self._client.publish_retained(self._topics.config, json.dumps(payload, ensure_ascii=False))

    def attend(self, now_s: float) -> None:
        """Do what is due. Called often."""
        if self._due_s is not None and now_s >= self._due_s:
            self._due_s = None
            self._client.publish_again()
        if self._left_over:
            self._left_over = False
            if not self._told:  # anybody may publish one again and again
                self._told = True
                log.info("Home Assistant's announcement of this device is removed, as homeassistant.enabled is false")
            self._client.publish_once(Outgoing.on(self._topics.config, ""))
