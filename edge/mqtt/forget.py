"""Remove a device from its broker: its retained topics, and Home Assistant's announcement of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
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
_CHECK_ACCESS = "name a user who may read and write there (mqtt.url or --broker)"
_CHECK_USER = "correct the user in the address (mqtt.url or --broker), or the password in mqtt.password_file"


def retained_topics(settings: Settings) -> list[Topic]:
    """Return the topics of which the broker keeps this device's newest message, Home Assistant's among them."""
    topics = Topics(settings.mqtt.base_topic, settings.mqtt.device)
    home = HomeAssistantTopics(settings.homeassistant.prefix, object_id(topics.root))
    return [topic for topic in (*topics.named.values(), home.config) if topic.retained]


@dataclass(frozen=True)
class Forgotten:
    """What became of a device's retained topics."""

    removed: list[str]
    """The broker had kept a message there, and keeps none now."""

    unseen: list[str]
    """Emptied without a look, as the broker lets the user not read there."""


def forget(settings: Settings) -> Forgotten:
    """Remove what the broker keeps of this device, whose daemon must not run.

    Every topic is emptied, whether a message was found there or not: the user may be allowed to write what it may not
    read, and some brokers, such as mosquitto, do not say so. What comes back tells which topics it may read.

    Raises:
        ConfigError: A password, certificate or key cannot be read.
        BrokerError: The broker is away, refuses, keeps a topic all the same, or lets nothing of this device be seen.
    """
    topics = [str(topic) for topic in retained_topics(settings)]
    with _Session(settings) as session:
        session.look(topics)
        session.empty(topics)
    if left := [topic for topic in topics if topic in session.kept - session.emptied]:
        message = f"{settings.mqtt.broker} keeps {', '.join(left)}: allow this user to write there"
        raise BrokerError(message)
    root = Topics(settings.mqtt.base_topic, settings.mqtt.device).root
    if not any(topic.startswith(f"{root}/") for topic in session.emptied):
        message = f"{settings.mqtt.broker} shows this user nothing of {root}/…; {_CHECK_ACCESS}"
        raise BrokerError(message)
    return Forgotten(
        removed=[topic for topic in topics if topic in session.kept],
        unseen=[topic for topic in topics if topic not in session.emptied],
    )


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
        self.kept: set[str] = set()
        """Topics of which the broker sent a message."""
        self.emptied: set[str] = set()
        """Those of which the last message was empty."""
        self._client.on_connect = self._note_answer
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._note_message

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

    def look(self, topics: list[str]) -> None:
        """Subscribe, and note in `kept` what the broker keeps."""
        self._client.subscribe([(topic, 0) for topic in topics])
        if not self._subscribed.wait(_WAIT_S):
            raise BrokerError(self._silence)
        time.sleep(_SETTLE_S)

    def empty(self, topics: list[str]) -> None:
        """Have the broker keep nothing there, after `look`, and note in `emptied` what it sends back of that."""
        for sent in [self._client.publish(topic, b"", qos=1, retain=True) for topic in topics]:
            try:
                sent.wait_for_publish(_WAIT_S)
                arrived = sent.is_published()
            except RuntimeError:  # the connection is lost
                arrived = False
            if not arrived:
                raise BrokerError(self._silence)
        time.sleep(_SETTLE_S)

    def _note_answer(self, _client: object, _data: object, _flags: object, code: ReasonCode, *_: object) -> None:
        self._answer = code
        self._answered.set()

    def _note_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.payload:
            self.kept.add(message.topic)
            self.emptied.discard(message.topic)
        else:
            self.emptied.add(message.topic)
