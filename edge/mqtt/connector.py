"""The thread that connects, serves the connection, and connects again when the broker is back."""

from __future__ import annotations

import logging
import random
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import ConfigError
from edge.mqtt.backoff import delay_s
from edge.mqtt.client_id import client_id
from edge.mqtt.conflict import NameConflicts
from edge.mqtt.connection import Connection
from edge.mqtt.credentials import credentials
from edge.mqtt.failure import reason_of
from edge.mqtt.message import Outgoing
from edge.mqtt.outcome import LEFT, End
from edge.mqtt.paho_client import PahoClient
from edge.mqtt.subscriptions import Subscription, Subscriptions
from edge.mqtt.tls_hint import refused_tls, speaks_tls
from edge.mqtt.version import VersionChoice
from edge.mqtt.wakeup import WakeUp

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import MqttConfig
    from edge.mqtt.backoff import Backoff
    from edge.mqtt.sender import Sender

log = logging.getLogger(__name__)
_RANDOM = random.SystemRandom()

_TICK_S = 1.0
"""paho checks its keep-alive about once a second."""


@dataclass(frozen=True)
class _ConnectResult:
    """One connection, from its beginning to its end."""

    end: End
    """Why it ended."""

    accepted: bool = False
    """Whether the broker had accepted it."""

    adapted: bool = False
    """Whether the next one avoids the reason: what is sent was adapted to the broker's limits."""


class Connector:
    """Keeps a connection to the broker until `close`. One thread calls `run`."""

    def __init__(
        self,
        config: MqttConfig,
        sender: Sender,
        backoff: Backoff,
        clock: Callable[[], float],
        *,
        mqtt5: bool,
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
        self.behind = False
        """Whether what is sent on it would wait."""
        self.connections = 0
        """Those that a broker accepted."""
        self.conflicts = NameConflicts(sender)
        self.subscriptions = Subscriptions(sender.topics.root)
        self.subscriptions.add(
            Subscription(sender.topics.info, self.conflicts.handle, retained=True, as_published=False, optional=True)
        )
        self.wake_up = WakeUp()
        """Wakes the thread: there may be something to send."""
        self._config, self._broker = config, config.broker
        self._sender, self._status, self._limits = sender, sender.status, sender.limits
        self._backoff, self._clock = backoff, clock
        self._version = VersionChoice(mqtt5=mqtt5)
        self._client_id = client_id(sender.topics.root)
        self._closing = threading.Event()
        self._leaving = False  # the last message, offline, was given to the sender
        self._drain_by_s = self._close_by_s = 0.0

    def run(self) -> None:
        """Connect again and again, until `close`."""
        failures = 0
        try:
            while not self._closing.is_set():
                began_s = self._clock()
                attempt = self._connect_once()
                settled = attempt.accepted and self._clock() - began_s >= self._backoff.settled_s
                again = self._version.ended(attempt.end, accepted=attempt.accepted)
                if attempt.end.kind == "malformed" and not self._version.mqtt5:
                    self._status.old_version(why=attempt.end.reason)
                if again or (attempt.adapted and not attempt.accepted):
                    continue  # what this one found out is part of the next attempt
                failures = 1 if settled or attempt.adapted else failures + 1
                if attempt.end.kind in ("refused", "taken over") and not attempt.adapted:
                    wait_s = self._backoff.refused_s
                else:
                    wait_s = delay_s(failures, self._backoff, _RANDOM.random())
                self._closing.wait(wait_s)
        finally:
            self.wake_up.close()

    def close(self, *, drain_by_s: float, close_by_s: float) -> None:
        """End `run`: send what waits until the first of these times, and leave by the second."""
        if not self._closing.is_set():
            self._drain_by_s, self._close_by_s = drain_by_s, close_by_s
            self._closing.set()
            self.wake_up.wake()

    def _connect_once(self) -> _ConnectResult:
        """Run one connection to its end."""
        try:
            # On every connect, so that it is enough to fix a file.
            client = self._make_client(*credentials(self._config))
        except ConfigError as error:
            return self._failed(End("refused", str(error)))
        self._sender.prepare()
        connection = Connection(client, self.wake_up, self.subscriptions, self._sender, self._limits, clock=self._clock)
        underway = []
        try:
            connection.open(self._broker.host, self._broker.port)
            self._serve(connection)
            underway = connection.underway
        except OSError as error:
            return self._failed(self._why_not_open(error))
        finally:
            self.connected = False
            connection.close()
        end = self.conflicts.ended(connection.end or LEFT)
        self._sender.ended(end, underway, accepted=connection.accepted)
        adapted = self._limits.refused(end.code)
        if not self._closing.is_set() and not adapted and not self._version.may_explain(end):
            self._status.failed(end, accepted=connection.accepted, hint=self._hint(connection))
        return _ConnectResult(end, connection.accepted, adapted)

    def _failed(self, end: End) -> _ConnectResult:
        """Note that no connection came about, and return the attempt."""
        self._sender.ended(end, [], accepted=False)
        if not self._closing.is_set():
            self._status.failed(end, answered=False)
        return _ConnectResult(end)

    def _why_not_open(self, error: OSError) -> End:
        """Return why no connection came about, in words that help."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return End("refused", f"its certificate is not trusted ({error.verify_message}); check mqtt.ca_file")
        reason = reason_of(error)
        if self._broker.tls and refused_tls(error):
            reason = f"nothing speaks TLS at that port ({reason}); write mqtt://, or the port of its TLS listener"
        return End("away", reason)

    def _hint(self, connection: Connection) -> str:
        """Return what may help with a broker that is there and does not speak MQTT."""
        if connection.accepted or self._broker.tls or self._status.is_away or not connection.end:
            return ""
        if connection.end.kind in ("mute", "malformed") and speaks_tls(self._broker.host, self._broker.port):
            return "; that port speaks TLS: write mqtts:// in mqtt.url"
        return ""

    def _make_client(self, password: str | None, tls: ssl.SSLContext | None) -> PahoClient:
        client = PahoClient(self._client_id, mqtt5=self._version.mqtt5, on_skipped=self._status.message_skipped)
        will = self._limits.adapt(Outgoing.on(self._sender.topics.availability, "offline"))
        client.will_set(will.topic, will.payload, will.qos, will.retain)
        if self._broker.user:
            client.username_pw_set(self._broker.user, password)
        if tls:
            client.tls_set_context(tls)
        return client

    def _serve(self, connection: Connection) -> None:
        """Drive a connection until its socket is closed."""
        answer_by_s = self._clock() + self._backoff.answer_s
        while connection.open_now:
            now_s = self._clock()
            closing = self._closing.is_set()
            if closing and now_s >= self._close_by_s:
                return
            if connection.accepted and self._version.asking:
                connection.disconnect()
            elif connection.waits_s >= self._backoff.acknowledgement_s:
                reason = f"a message was not acknowledged for {self._backoff.acknowledgement_s:g} s"
                connection.abort(End("away", reason))
            elif connection.accepted:
                self._exchange(connection, now_s)
            elif now_s >= answer_by_s:
                connection.abort(End("mute", "no answer"))
            deadline_s = now_s + _TICK_S
            if closing:
                deadline_s = self._drain_by_s if now_s < self._drain_by_s else self._close_by_s
            connection.step(min(_TICK_S, deadline_s - now_s))

    def _exchange(self, connection: Connection, now_s: float) -> None:
        """Send what may be sent; when it is time to close, ``offline`` last."""
        sender = self._sender
        if not self.connected:
            self._accepted(connection)
        connection.resubscribe()
        for topic, reason in self.subscriptions.denied.items():
            self._status.topic_denied(topic, reason)
        drained = now_s >= self._drain_by_s or sender.drained(connection)
        if self._closing.is_set() and drained and not self._leaving:
            self._leaving = True
            sender.keep(sender.topics.availability, "offline")
        sender.send(connection, events=not self._leaving)
        self.behind = connection.behind
        if self._leaving and sender.said_offline(connection):
            connection.disconnect()

    def _accepted(self, connection: Connection) -> None:
        """Note that the broker has accepted, and have everything retained sent again."""
        self._sender.begin(connection)
        self.connections += 1
        self.connected = True
        back, waiting = self._status.accepted(self._limits), self._sender.waiting
        log.info("%s %s, %d events waiting", "back at" if back else "connected to", self._broker, waiting)
