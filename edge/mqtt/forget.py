"""Remove a device from its broker: its retained topics, and Home Assistant's announcement of it."""

from __future__ import annotations

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
    from collections.abc import Callable

    import paho.mqtt.client as paho
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.config import Settings
    from edge.wire.topics import Topic

_WAIT_S = 5.0
"""Seconds that the broker has for each step."""

_SETTLE_S = 0.3
"""Seconds in which the broker sends what it still keeps, after a subscription."""

_ANSWER_S = 2.0
"""Seconds that a daemon has to answer; it does so with its next frame."""

_CHECK_ADDRESS = "start the broker, or correct its address (mqtt.url or --broker)"
_CHECK_ACCESS = "name a user who may read and write there (mqtt.url or --broker)"
_CHECK_USER = (
    "correct the user in the address (mqtt.url or --broker), or the password (mqtt.password_file or --password-file)"
)


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
        BrokerError: The broker is away, refuses, keeps a topic all the same, or lets nothing of this device be seen;
            or the daemon runs.
    """
    topics = [str(topic) for topic in retained_topics(settings)]
    if _runs(settings):
        message = f"{settings.mqtt.device} still runs, and would publish all again: stop it first"
        raise BrokerError(message)
    root = Topics(settings.mqtt.base_topic, settings.mqtt.device).root
    with _Session(settings, client_id(root)) as session:
        session.look(topics)
        session.empty(topics)
    if left := [topic for topic in topics if topic in session.kept - session.emptied]:
        message = f"{settings.mqtt.broker} keeps {', '.join(left)}: allow this user to write there"
        raise BrokerError(message)
    if not any(topic.startswith(f"{root}/") for topic in session.emptied):
        message = f"{settings.mqtt.broker} shows this user nothing of {root}/…; {_CHECK_ACCESS}"
        raise BrokerError(message)
    return Forgotten(
        removed=[topic for topic in topics if topic in session.kept],
        unseen=[topic for topic in topics if topic not in session.emptied],
    )


def _runs(settings: Settings) -> bool:
    """Return whether the device's daemon answers, which is asked with another client id, so that it stays connected.

    A broker that lets in no other client id, or lets it see nothing, is not asked.
    """
    topics = Topics(settings.mqtt.base_topic, settings.mqtt.device)
    try:
        with _Session(settings, client_id(f"{topics.root}/forget")) as session:
            session.look([topics.availability, topics.response_health])
            return session.online and session.ask(topics.request_health, topics.response_health)
    except BrokerError:
        return False


class _Session:
    """One connection; MQTT 3.1.1 is enough."""

    def __init__(self, settings: Settings, own_id: str) -> None:
        """Prepare.

        Args:
            settings: Which broker.
            own_id: The client id; the device's own may be named in access lists.
        """
        self._broker = settings.mqtt.broker
        self._availability = Topics(settings.mqtt.base_topic, settings.mqtt.device).availability
        password, tls = credentials(settings.mqtt)
        self._client = PahoClient(own_id, mqtt5=False, on_skipped=lambda _reason: None)
        if self._broker.user:
            self._client.username_pw_set(self._broker.user, password)
        if tls:
            self._client.tls_set_context(tls)
        self._answer: ReasonCode | None = None
        self._subscribed = self._closed = False
        self._taken: set[int] = set()  # message ids
        self.online = False
        """Whether the broker keeps ``online`` as the device's availability, which a dead one may have left."""
        self.kept: set[str] = set()
        """Topics of which the broker sent a message."""
        self.emptied: set[str] = set()
        """Those of which the last message was empty."""
        self._client.on_connect = self._note_answer
        self._client.on_disconnect = self._note_end
        self._client.on_subscribe = self._note_subscription
        self._client.on_publish = self._note_taken
        self._client.on_message = self._note_message

    def __enter__(self) -> Self:
        try:
            self._client.connect(self._broker.host, self._broker.port)
        except OSError as error:
            message = f"cannot reach {self._broker}: {reason_of(error)}; {_CHECK_ADDRESS}"
            raise BrokerError(message) from None
        self._client.loop_start()
        try:
            self._log_in()
        except BrokerError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _log_in(self) -> None:
        self._wait(lambda: self._answer is not None, _CHECK_USER)
        if self._answer and self._answer.is_failure:
            message = f"{self._broker} refuses: {str(self._answer).lower()}; {_CHECK_USER}"
            raise BrokerError(message)

    def look(self, topics: list[str]) -> None:
        """Subscribe, and note in `kept` what the broker keeps."""
        self._client.subscribe([(topic, 0) for topic in topics])
        self._wait(lambda: self._subscribed, _CHECK_ACCESS)
        time.sleep(_SETTLE_S)

    def ask(self, request: str, response: str) -> bool:
        """Return whether a request is answered, after `look` at the topic of the response."""
        self._client.publish(request, b"", qos=1)
        return self._becomes(lambda: response in self.kept, _ANSWER_S)

    def empty(self, topics: list[str]) -> None:
        """Have the broker keep nothing there, after `look`, and note in `emptied` what it sends back of that."""
        for topic in topics:
            mid = self._client.publish(topic, b"", qos=1, retain=True).mid
            self._wait(lambda mid=mid: mid in self._taken, f"if it runs, allow this user to write to {topic}")  # type: ignore[misc]
        time.sleep(_SETTLE_S)

    def _wait(self, done: Callable[[], bool], if_closed: str) -> None:
        """Wait for the broker to do its part.

        Args:
            done: Whether it has.
            if_closed: What to do where it closes the connection instead, as one does that speaks MQTT 3.1.1.

        Raises:
            BrokerError: It has not.
        """
        if self._becomes(done, _WAIT_S):
            return
        if self._closed:
            message = f"{self._broker} closed the connection; {if_closed}"
        else:
            message = f"{self._broker} does not answer; {_CHECK_ADDRESS}"
        raise BrokerError(message)

    def _becomes(self, done: Callable[[], bool], wait_s: float) -> bool:
        until_s = time.monotonic() + wait_s
        while not done() and not self._closed and time.monotonic() < until_s:
            time.sleep(0.01)
        return done()

    def _note_answer(self, _client: object, _data: object, _flags: object, code: ReasonCode, *_: object) -> None:
        self._answer = code

    def _note_end(self, *_: object) -> None:
        self._closed = True

    def _note_subscription(self, *_: object) -> None:
        self._subscribed = True

    def _note_taken(self, _client: object, _data: object, mid: int, *_: object) -> None:
        self._taken.add(mid)

    def _note_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic == self._availability:
            self.online = message.payload == b"online"
        if message.payload:
            self.kept.add(message.topic)
            self.emptied.discard(message.topic)
        else:
            self.emptied.add(message.topic)
