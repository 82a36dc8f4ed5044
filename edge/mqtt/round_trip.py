"""Log in to a broker as the daemon does, publish a message and read it back; say at which step that fails."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import ConfigError
from edge.mqtt.client_id import client_id
from edge.mqtt.connection import Connection
from edge.mqtt.credentials import credentials
from edge.mqtt.failure import Failure, failure_of, reason_of
from edge.mqtt.limits import BrokerLimits
from edge.mqtt.message import Outgoing
from edge.mqtt.paho_client import PahoClient
from edge.mqtt.subscriptions import Subscription, Subscriptions
from edge.mqtt.tls_hint import alert_of, speaks_tls
from edge.mqtt.wakeup import WakeUp
from edge.text import printable
from edge.wire.topics import Topics

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from edge.config import MqttConfig
    from edge.mqtt.message import Incoming
    from edge.mqtt.outcome import End, Sent

PATIENCE_S = 4.0
"""Seconds for each answer of the broker."""

_NO_ANSWER = "no answer"
_TICK_S = 0.1
_CONNACK = 0x20
"""First byte of what an MQTT broker says first."""


@dataclass(frozen=True)
class RoundTrip:
    """What became of it."""

    failure: Failure | None
    """None: the message came back."""

    reason: str = ""
    """What the broker, its port or this machine said."""

    mqtt5: bool = True
    """Whether MQTT 5 was spoken, else 3.1.1."""

    answer_ms: float = 0.0
    """From the publication until the message was back."""


def round_trip(config: MqttConfig, patience_s: float = PATIENCE_S, *, password: str | None = None) -> RoundTrip:
    """Log in, subscribe to what the daemon subscribes to, publish one message that is not retained, and read it back.

    The client id is another one than the daemon's, so that a running daemon stays connected.

    Args:
        config: Its address names a broker on the network.
        patience_s: Seconds for each answer.
        password: What to log in with instead of what is in the password file.
    """
    try:
        read, tls = credentials(config if password is None else config.model_copy(update={"password_file": None}))
    except ConfigError as error:
        return RoundTrip(Failure.FILES, str(error))
    for mqtt5 in (True, False):
        attempt = _Attempt(config, password or read, tls, mqtt5=mqtt5)
        result = attempt.run(patience_s)
        if not attempt.may_be_the_version:
            break
    return result


class _ListeningClient(PahoClient):
    """Keeps the first bytes that come: what speaks something else than MQTT often says what it is."""

    heard = b""

    @property
    def hears_mqtt(self) -> bool:
        """Whether nothing speaks against it yet."""
        return not self.heard or self.heard[0] == _CONNACK

    def _sock_recv(self, bufsize: int) -> bytes:
        data = super()._sock_recv(bufsize)
        self.heard = (self.heard + data)[:80]
        return data


class _Attempt:
    """One connection, with one version of MQTT."""

    def __init__(self, config: MqttConfig, password: str | None, tls: ssl.SSLContext | None, *, mqtt5: bool) -> None:
        topics = Topics(config.base_topic, config.device)
        self._broker, self._tls, self._mqtt5 = config.broker, tls, mqtt5
        self._message = Outgoing(topics.doctor, secrets.token_hex(16))
        self._limits, self._subscriptions = BrokerLimits(), Subscriptions(topics.root)
        for topic in (topics.doctor, *topics.commands):
            self._subscriptions.add(Subscription(topic, self._received))
        own_id = client_id(f"{topics.doctor}/{secrets.token_hex(8)}")
        self._client = _ListeningClient(own_id, mqtt5=mqtt5, on_skipped=lambda _: None)
        if self._broker.user:
            self._client.username_pw_set(self._broker.user, password)
        if tls:
            self._client.tls_set_context(tls)
        self._taken = self._back = False
        self._denied: str | None = None
        self.may_be_the_version = False
        """Whether the broker may answer to an older version."""

    def run(self, patience_s: float) -> RoundTrip:
        """Connect, try, and disconnect."""
        wake_up = WakeUp()
        connection = Connection(self._client, wake_up, self._subscriptions, self, self._limits, clock=time.monotonic)
        try:
            connection.open(self._broker.host, self._broker.port)
            return self._talk(connection, patience_s)
        except OSError as error:
            return self._failed(failure_of(error, tls=bool(self._tls)), reason_of(error))
        finally:
            connection.close()
            wake_up.close()

    def arrived(self, _sent: Sent) -> None:
        """Note that the broker has taken the message."""
        self._taken = True

    def refused(self, _sent: Sent, reason: str) -> None:
        """Note that the broker refuses the message."""
        self._denied = reason

    def _received(self, message: Incoming) -> None:
        self._back |= message.topic == self._message.topic and message.payload == self._message.payload.encode()

    def _talk(self, connection: Connection, patience_s: float) -> RoundTrip:
        def wait_for(what: Callable[[], bool]) -> bool:
            until_s = time.monotonic() + patience_s
            while not what() and connection.open_now and time.monotonic() < until_s:
                connection.step(_TICK_S)
            return what()

        if not wait_for(lambda: connection.accepted or not self._client.hears_mqtt) or not connection.accepted:
            return self._not_accepted(connection)
        if not wait_for(lambda: not self._subscriptions.waiting):
            return self._failed(Failure.SUBSCRIBE, connection.end.reason if connection.end else _NO_ANSWER)
        if self._subscriptions.denied:
            topic, reason = next(iter(self._subscriptions.denied.items()))
            return self._failed(Failure.SUBSCRIBE, f"{topic}: {reason}")
        message = self._limits.adapt(self._message)
        began_s = time.monotonic()
        connection.publish(message)
        if wait_for(lambda: self._back or self._denied is not None) and self._back:
            answer_ms = (time.monotonic() - began_s) * 1000
            connection.disconnect()
            wait_for(lambda: not connection.open_now)
            return RoundTrip(None, mqtt5=self._mqtt5, answer_ms=answer_ms)
        if self._denied is not None or connection.end:
            return self._failed(Failure.PUBLISH, self._denied or (connection.end.reason if connection.end else ""))
        return self._failed(Failure.LOST if self._taken or not message.qos else Failure.SILENT, _NO_ANSWER)

    def _not_accepted(self, connection: Connection) -> RoundTrip:
        """Return why a connection that was reached was not accepted."""
        end = connection.end
        if end and end.kind in ("refused", "version"):
            self.may_be_the_version = self._mqtt5 and end.kind == "version"
            return self._failed(Failure.LOGIN, end.reason)
        self.may_be_the_version = self._mqtt5 and self._client.hears_mqtt
        if self.may_be_the_version:
            return self._failed(Failure.MUTE)
        return self._no_mqtt(end)

    def _no_mqtt(self, end: End | None) -> RoundTrip:
        """Return why no MQTT was heard, whichever version was spoken."""
        broker, heard = self._broker, self._client.heard.decode("ascii", "replace").strip()
        if end and not self._tls and speaks_tls(broker.host, broker.port):
            return self._failed(Failure.TLS)
        if heard:
            return self._failed(Failure.NOT_MQTT, printable(heard.partition("\r\n")[0], 60))
        if not end:
            return self._failed(Failure.SILENT, "it takes the connection and does not answer")
        if self._tls and (alert := alert_of(broker.host, broker.port, self._tls)):
            return self._failed(Failure.OWN_CERTIFICATE, alert)
        return self._failed(Failure.MUTE, end.reason)

    def _failed(self, failure: Failure, reason: str = "") -> RoundTrip:
        return RoundTrip(failure, reason, self._mqtt5)
