"""Remove a device from its broker: its retained topics, and Home Assistant's announcement of it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from edge.errors import BrokerError
from edge.mqtt.client_id import client_id, object_id
from edge.mqtt.credentials import credentials
from edge.mqtt.failure import reason_of
from edge.mqtt.paho_client import PahoClient
from edge.wire.topics import HomeAssistantTopics, Topics

if TYPE_CHECKING:
    import paho.mqtt.client as paho
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.config import Settings
    from edge.wire.topics import Topic

_WAIT_S = 5.0
"""Seconds that the broker has for each step."""

_SETTLE_S = 0.3
"""Seconds in which the broker sends what it still keeps, after a subscription."""

_CHECK_ADDRESS = "start the broker, or correct its address (mqtt.url or --broker)"
_CHECK_USER = "correct the user in the address (mqtt.url or --broker), or the password in mqtt.password_file"


def retained_topics(settings: Settings) -> list[Topic]:
    """Return the topics of which the broker keeps this device's newest message, Home Assistant's among them."""
    topics = Topics(settings.mqtt.base_topic, settings.mqtt.device)
    home = HomeAssistantTopics(settings.homeassistant.prefix, object_id(topics.root))
    return [topic for topic in (*topics.named.values(), home.config) if topic.retained]


def forget(settings: Settings) -> list[str]:
    """Remove what the broker keeps of this device, whose daemon must not run; return the topics that were there.

    Raises:
        ConfigError: A password, certificate or key cannot be read.
        BrokerError: The broker is away, refuses, or keeps a topic all the same.
    """
    topics = retained_topics(settings)
    with _Session(settings) as session:
        found = session.kept(topics)
        session.clear(found)
        if left := session.kept(found):
            message = f"{settings.mqtt.broker} keeps {', '.join(left)}: allow this user to write there"
            raise BrokerError(message)
    return found


class _Session:
    """One connection, with the device's own client id, as access lists may name it; MQTT 3.1.1 is enough."""

    def __init__(self, settings: Settings) -> None:
        self._broker = settings.mqtt.broker
        self._silence = f"{self._broker} does not answer; {_CHECK_ADDRESS}"
        root = Topics(settings.mqtt.base_topic, settings.mqtt.device).root
        password, tls = credentials(settings.mqtt)
        self._client = PahoClient(client_id(root), mqtt5=False, on_skipped=lambda _reason: None)
        if self._broker.user:
            self._client.username_pw_set(self._broker.user, password)
        if tls:
            self._client.tls_set_context(tls)
        self._answer: ReasonCode | None = None
        self._answered, self._subscribed = threading.Event(), threading.Event()
        self._kept: set[str] = set()
        self._client.on_connect = self._note_answer
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._note_kept

    def __enter__(self) -> Self:
        try:
            self._client.connect(self._broker.host, self._broker.port)
        except OSError as error:
            message = f"cannot reach {self._broker}: {reason_of(error)}; {_CHECK_ADDRESS}"
            raise BrokerError(message) from None
        self._client.loop_start()
        if not self._answered.wait(_WAIT_S) or self._answer is None:
            self.__exit__()
            raise BrokerError(self._silence)
        if self._answer.is_failure:
            self.__exit__()
            message = f"{self._broker} refuses: {str(self._answer).lower()}; {_CHECK_USER}"
            raise BrokerError(message)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def kept(self, topics: list[Topic] | list[str]) -> list[str]:
        """Return those topics of which the broker keeps a message."""
        self._kept.clear()
        if not topics:
            return []
        self._subscribed.clear()
        self._client.subscribe([(str(topic), 0) for topic in topics])
        if not self._subscribed.wait(_WAIT_S):
            raise BrokerError(self._silence)
        time.sleep(_SETTLE_S)
        self._client.unsubscribe([str(topic) for topic in topics])
        return [str(topic) for topic in topics if topic in self._kept]

    def clear(self, topics: list[str]) -> None:
        """Have the broker keep nothing of those topics."""
        for sent in [self._client.publish(topic, b"", qos=1, retain=True) for topic in topics]:
            with suppress(RuntimeError):  # the connection is lost, and what is sent next waits for an answer in vain
                sent.wait_for_publish(_WAIT_S)

    def _note_answer(self, _client: object, _data: object, _flags: object, code: ReasonCode, *_: object) -> None:
        self._answer = code
        self._answered.set()

    def _note_kept(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.retain and message.payload:
            self._kept.add(message.topic)
