"""Publishing: one thread that connects, publishes, and comes back when the broker does.

Everything of paho's runs in that one thread, through its interface for outside
event loops. Callers only put something down and ring, so that none of them ever
waits for the network and no lock of paho's is held against one of ours.
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge.errors import ConfigError
from edge.mqtt.backoff import Backoff, delay_s
from edge.mqtt.broker_status import BrokerStatus
from edge.mqtt.client_id import client_id
from edge.mqtt.connection import Connection, End
from edge.mqtt.credentials import credentials
from edge.mqtt.message import Once
from edge.mqtt.pending import PendingMessages
from edge.mqtt.wakeup import WakeUp
from edge.wire.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import MqttConfig
    from edge.mqtt.connection import Handler
    from edge.mqtt.outbox.queue import Outbox
    from edge.wire.messages import FaceEvent

_LOG = logging.getLogger(__name__)
_RANDOM = random.SystemRandom()

_LATENCIES = 1000
_TICK_S = 1.0
"""paho wants to look at its keep-alive about once a second."""


class MqttClient:
    """Publishes for as long as it lives, whatever the broker does.

    Example:
        >>> client = MqttClient(settings.mqtt, Outbox(settings.outbox))
        >>> client.start()
        >>> client.publish_event(event, captured_s)
        >>> client.close()
    """

    def __init__(
        self,
        config: MqttConfig,
        outbox: Outbox,
        *,
        mqtt5: bool = True,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check the settings; `start` connects.

        Args:
            config: Its address names a broker on the network.
            outbox: Where events wait for the broker.
            mqtt5: False for a broker that is known to speak 3.1.1 only. True falls back by itself.
            backoff: How patient to be.
            clock: The clock of `captured_s` and the outbox, which must run in real time.

        Raises:
            ConfigError: A password, certificate or key cannot be read.
        """
        self.topics = Topics(config.base_topic, config.device)
        self._config = config
        self._broker = config.broker
        self._outbox = outbox
        self._mqtt5 = mqtt5
        self._backoff = backoff or Backoff()
        self._clock = clock
        credentials(config)  # said now rather than in the background
        self._client_id = client_id(self.topics.root)
        self._pending = PendingMessages()
        self._pending.keep(self.topics.availability, "online", 1)
        self._handlers: dict[str, Handler] = {}
        self._lock = threading.Lock()  # over the latencies; held for a moment only
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._wake_up = WakeUp()
        outbox.on_ready = self._wake_up.ring
        self._closing = threading.Event()
        self._drain_by = self._close_by = 0.0
        self._connected = False
        self._connections = 0
        self._broker_status = BrokerStatus(self._broker, self.topics.event)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def listen(self, topic: str, handler: Handler) -> None:
        """Subscribe on every connect. Call it before `start`.

        Args:
            topic: Or a filter, with ``+`` and ``#``; no two that match the same topic.
            handler: Called in the background for each message: it puts something down, waits for nothing and
                raises nothing.
        """
        self._handlers[topic] = handler

    def start(self) -> None:
        """Connect, and keep at it, in the background."""
        self._thread.start()

    def publish_event(self, event: FaceEvent, captured_s: float) -> None:
        """Publish a transition; it waits in the outbox until the broker has acknowledged it.

        Args:
            event: What happened.
            captured_s: When its frame was captured, on the client's clock.
        """
        self._outbox.add(event.to_json(), captured_s)
        self._wake_up.ring()

    def publish_retained(self, topic: str, payload: str, qos: int = 1) -> None:
        """Publish what is so now. Only the newest is kept, and sent again on every connect."""
        self._pending.keep(topic, payload, qos)
        self._wake_up.ring()

    def publish_once(self, message: Once) -> None:
        """Publish something that is forgotten once it is sent, such as an answer. The newest 32 wait for the broker."""
        self._pending.once(message)
        self._wake_up.ring()

    def publish_again(self) -> None:
        """Send everything retained again, for somebody who forgot it."""
        self._pending.again()
        self._wake_up.ring()

    @property
    def connected(self) -> bool:
        """Whether a broker has accepted the connection that is open."""
        return self._connected

    @property
    def reconnects(self) -> int:
        """Accepted connections after the first."""
        return max(0, self._connections - 1)

    @property
    def refused(self) -> str | None:
        """Why the broker last refused, in plain words; None once it accepts."""
        return self._broker_status.refused

    @property
    def latencies(self) -> tuple[float, ...]:
        """Milliseconds from capture to the broker's acknowledgement, of the newest 1000 events, oldest first."""
        with self._lock:
            return tuple(self._latencies)

    def close(self, timeout_s: float = 1.5) -> None:
        """Send what waits, publish ``offline`` and leave; all within the timeout. Safe to call twice.

        A broker that does not answer in time publishes the last will instead, which says the same.
        """
        if not self._thread.ident:
            self._wake_up.close()
            return
        now = self._clock()
        if not self._closing.is_set():
            self._drain_by, self._close_by = now + 0.6 * timeout_s, now + 0.9 * timeout_s
            self._closing.set()
            self._wake_up.ring()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        failures, mqtt5 = 0, self._mqtt5
        try:
            while not self._closing.is_set():
                began = self._clock()
                end, accepted = self._connect_once(mqtt5=mqtt5)
                if end.kind == "protocol" and mqtt5:
                    mqtt5 = False
                    continue
                # Some brokers (amqtt) leave an MQTT 5 client without an answer, so after that 3.1.1 has its turn.
                mqtt5 = self._mqtt5 and not (end.kind == "mute" and mqtt5)
                failures = 1 if accepted and self._clock() - began >= self._backoff.settled_s else failures + 1
                slow = end.kind in ("refused", "forbidden")
                self._closing.wait(
                    self._backoff.refused_s if slow else delay_s(failures, self._backoff, _RANDOM.random())
                )
        finally:
            self._wake_up.close()

    def _connect_once(self, *, mqtt5: bool) -> tuple[End, bool]:
        """Run one connection to its end; gives that, and whether the broker had accepted it."""
        try:
            # On every connect, so that mending a file is enough.
            password, tls = credentials(self._config)
        except ConfigError as error:
            return self._over(End("refused", str(error)), f"cannot connect to {self._broker}: {error}"), False
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            protocol=paho.MQTTv5 if mqtt5 else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        client.will_set(self.topics.availability, "offline", qos=1, retain=True)
        if self._broker.user:
            client.username_pw_set(self._broker.user, password)
        if tls:
            client.tls_set_context(tls)
        self._outbox.rewind()
        connection = Connection(client, self._wake_up, self._acknowledged, self._handlers)
        try:
            connection.open(self._broker.host, self._broker.port)
            self._serve(connection)
        except ssl.SSLCertVerificationError as error:
            reason = f"its certificate is not trusted ({error.verify_message}); check mqtt.ca_file"
            return self._over(End("refused", reason), f"cannot connect to {self._broker}: {reason}"), False
        except (OSError, UnicodeError) as error:  # the latter from a host's name that cannot be one
            reason = str(getattr(error, "strerror", None) or error).lower()
            return self._over(End("away", reason), f"cannot reach {self._broker}: {reason}"), False
        finally:
            self._connected = False
            connection.close()
        end = connection.end or End("closed", "closed")
        if not self._closing.is_set():
            self._broker_status.ended(end, accepted=connection.accepted)
        return end, connection.accepted

    def _serve(self, connection: Connection) -> None:
        answer_by = self._clock() + self._backoff.answer_s
        leaving = False
        while connection.open_now:
            now = self._clock()
            closing = self._closing.is_set()
            if closing and now >= self._close_by:
                return
            if connection.accepted:
                if not self._connected:
                    self._welcome()
                self._broker_status.denied(connection.denied)
                connection.denied.clear()
                if closing and not leaving and (now >= self._drain_by or self._drained(connection)):
                    leaving = True
                    self.publish_retained(self.topics.availability, "offline")
                self._pump(connection, events=not leaving)
                availability = self.topics.availability
                if (
                    leaving
                    and not self._pending.waits(availability)
                    and availability not in connection.unsettled.values()
                ):
                    connection.disconnect()
            elif now >= answer_by:
                connection.abort(End("mute", "no answer"))
            deadline = now + _TICK_S
            if closing:
                deadline = self._drain_by if now < self._drain_by else self._close_by
            connection.step(min(_TICK_S, deadline - now))

    def _pump(self, connection: Connection, *, events: bool) -> None:
        """Send what may be sent: each retained topic when its last message has arrived, events as the window allows."""
        for message in self._pending.collect(connection.room, connection.unsettled.values()):
            connection.publish(message)
        for entry in self._outbox.take(connection.window) if events else ():
            connection.publish(Once(self.topics.event, entry.payload), entry.sequence)

    def _welcome(self) -> None:
        """Note that the broker has accepted, and have everything retained sent again."""
        self._pending.again()  # availability is the first
        self._connections += 1
        self._connected = True
        back = self._broker_status.accepted()
        _LOG.info("%s %s, %d events waiting", "back at" if back else "connected to", self._broker, self._outbox.depth)

    def _drained(self, connection: Connection) -> bool:
        return not self._pending.waits() and not connection.unsettled and self._outbox.depth == 0

    def _acknowledged(self, sequence: int) -> None:
        entry = self._outbox.acknowledge(sequence)
        self._broker_status.acknowledged()
        if entry:
            with self._lock:
                self._latencies.append((self._clock() - entry.captured_s) * 1000)

    def _over(self, end: End, sentence: str) -> End:
        if not self._closing.is_set():
            self._broker_status.say(end, sentence)
        return end
