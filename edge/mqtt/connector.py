"""The thread that connects, serves the connection, and connects again when the broker is back."""

from __future__ import annotations

import logging
import random
import ssl
import threading
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge.errors import ConfigError
from edge.mqtt.backoff import delay_s
from edge.mqtt.broker_status import BrokerStatus
from edge.mqtt.client_id import client_id
from edge.mqtt.connection import Connection, End
from edge.mqtt.credentials import credentials
from edge.mqtt.wakeup import WakeUp

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import MqttConfig
    from edge.mqtt.backoff import Backoff
    from edge.mqtt.connection import Handler
    from edge.mqtt.sender import Sender

_LOG = logging.getLogger(__name__)
_RANDOM = random.SystemRandom()

_TICK_S = 1.0
"""paho checks its keep-alive about once a second."""


class Connector:
    """Keeps a connection to the broker until `close`. One thread calls `run`."""

    def __init__(
        self, config: MqttConfig, sender: Sender, backoff: Backoff, clock: Callable[[], float], *, mqtt5: bool
    ) -> None:
        """Prepare; `run` connects.

        Args:
            config: Its address names a broker on the network.
            sender: What to send.
            backoff: The waits between attempts.
            clock: Seconds that never jump.
            mqtt5: Whether to try MQTT 5 first.
        """
        self.connected = False
        """Whether a broker has accepted the connection that is open."""
        self.connections = 0
        """Those that a broker accepted."""
        self.handlers: dict[str, Handler] = {}
        """What to subscribe to, and who takes the messages."""
        self.wake_up = WakeUp()
        """Wakes the thread: there may be something to send."""
        self.status = BrokerStatus(config.broker, sender.topics.event)
        self._config, self._broker = config, config.broker
        self._sender, self._backoff, self._clock = sender, backoff, clock
        self._mqtt5 = mqtt5
        self._client_id = client_id(sender.topics.root)
        self._closing = threading.Event()
        self._drain_by_s = self._close_by_s = 0.0

    def run(self) -> None:
        """Connect again and again, until `close`."""
        failures, mqtt5 = 0, self._mqtt5
        try:
            while not self._closing.is_set():
                began_s = self._clock()
                end, accepted = self._connect_once(mqtt5=mqtt5)
                if end.kind == "protocol" and mqtt5:
                    mqtt5 = False
                    continue
                # Some brokers (amqtt) leave an MQTT 5 client without an answer, so after that 3.1.1 has its turn.
                mqtt5 = self._mqtt5 and not (end.kind == "mute" and mqtt5)
                failures = 1 if accepted and self._clock() - began_s >= self._backoff.settled_s else failures + 1
                slow = end.kind in ("refused", "forbidden")
                self._closing.wait(
                    self._backoff.refused_s if slow else delay_s(failures, self._backoff, _RANDOM.random())
                )
        finally:
            self.wake_up.close()

    def close(self, *, drain_by_s: float, close_by_s: float) -> None:
        """End `run`: send what waits until the first of these times, and leave by the second."""
        if not self._closing.is_set():
            self._drain_by_s, self._close_by_s = drain_by_s, close_by_s
            self._closing.set()
            self.wake_up.wake()

    def _connect_once(self, *, mqtt5: bool) -> tuple[End, bool]:
        """Run one connection to its end; return that, and whether the broker had accepted it."""
        try:
            # On every connect, so that it is enough to fix a file.
            client = self._make_client(*credentials(self._config), mqtt5=mqtt5)
        except ConfigError as error:
            return self._failed(End("refused", str(error)), f"cannot connect to {self._broker}: {error}"), False
        self._sender.rewind()
        connection = Connection(client, self.wake_up, self._acknowledged, self.handlers)
        try:
            connection.open(self._broker.host, self._broker.port)
            self._serve(connection)
        except ssl.SSLCertVerificationError as error:
            reason = f"its certificate is not trusted ({error.verify_message}); check mqtt.ca_file"
            return self._failed(End("refused", reason), f"cannot connect to {self._broker}: {reason}"), False
        except (OSError, UnicodeError) as error:  # the latter from a host's name that cannot be one
            reason = str(getattr(error, "strerror", None) or error).lower()
            return self._failed(End("away", reason), f"cannot reach {self._broker}: {reason}"), False
        finally:
            self.connected = False
            connection.close()
        end = connection.end or End("closed", "closed")
        if not self._closing.is_set():
            self.status.ended(end, accepted=connection.accepted)
        return end, connection.accepted

    def _make_client(self, password: str | None, tls: ssl.SSLContext | None, *, mqtt5: bool) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            protocol=paho.MQTTv5 if mqtt5 else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        availability = self._sender.topics.availability
        client.will_set(availability, "offline", availability.qos, availability.retained)
        if self._broker.user:
            client.username_pw_set(self._broker.user, password)
        if tls:
            client.tls_set_context(tls)
        return client

    def _serve(self, connection: Connection) -> None:
        """Drive a connection until its socket is closed."""
        sender = self._sender
        answer_by_s = self._clock() + self._backoff.answer_s
        leaving = False
        while connection.open_now:
            now_s = self._clock()
            closing = self._closing.is_set()
            if closing and now_s >= self._close_by_s:
                return
            if connection.accepted:
                if not self.connected:
                    self._accepted()
                self.status.denied(connection.denied)
                connection.denied.clear()
                if closing and not leaving and (now_s >= self._drain_by_s or sender.drained(connection)):
                    leaving = True
                    sender.keep(sender.topics.availability, "offline")
                sender.send(connection, events=not leaving)
                if leaving and sender.said_offline(connection):
                    connection.disconnect()
            elif now_s >= answer_by_s:
                connection.abort(End("mute", "no answer"))
            deadline_s = now_s + _TICK_S
            if closing:
                deadline_s = self._drain_by_s if now_s < self._drain_by_s else self._close_by_s
            connection.step(min(_TICK_S, deadline_s - now_s))

    def _accepted(self) -> None:
        """Note that the broker has accepted, and have everything retained sent again."""
        self._sender.pending.again()  # availability is the first
        self.connections += 1
        self.connected = True
        back, waiting = self.status.accepted(), self._sender.waiting
        _LOG.info("%s %s, %d events waiting", "back at" if back else "connected to", self._broker, waiting)

    def _acknowledged(self, sequence: int) -> None:
        self._sender.acknowledged(sequence)
        self.status.acknowledged()

    def _failed(self, end: End, sentence: str) -> End:
        if not self._closing.is_set():
            self.status.failed(end, sentence)
        return end
