"""The MQTT client: what other threads call.

Everything of paho's runs in one thread, that of `edge.mqtt.connector`, through paho's
interface for outside event loops. Callers only leave a message and wake that thread, so
that none of them ever waits for the network, and no lock of paho's is held against one
of ours.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from edge.mqtt.backoff import Backoff
from edge.mqtt.broker_status import BrokerStatus
from edge.mqtt.connector import Connector
from edge.mqtt.credentials import credentials
from edge.mqtt.limits import BrokerLimits
from edge.mqtt.message import Outgoing
from edge.mqtt.sender import Sender
from edge.mqtt.subscriptions import Subscription
from edge.wire.messages import BrokerHealth
from edge.wire.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import MqttConfig
    from edge.mqtt.outbox import Outbox
    from edge.mqtt.subscriptions import Handler
    from edge.wire.messages import FaceEvent
    from edge.wire.topics import Topic


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
            backoff: The waits between attempts to connect.
            clock: The clock of `captured_s` and the outbox, which must run in real time.

        Raises:
            ConfigError: A password, certificate or key cannot be read.
        """
        credentials(config)  # raises now rather than in the background
        self.topics = Topics(config.base_topic, config.device)
        self.broker = config.broker
        self._outbox, self._clock = outbox, clock
        backoff = backoff or Backoff()
        self._status = BrokerStatus(config.broker, self.topics)
        self._sender = Sender(self.topics, outbox, self._status, BrokerLimits(), clock, backoff.refused_s)
        self._connector = Connector(config, self._sender, backoff, clock, mqtt5=mqtt5)
        self._wake_up = self._connector.wake_up
        outbox.call_when_ready(self._wake_up.wake)
        self._thread = threading.Thread(target=self._connector.run, name="mqtt", daemon=True)

    def subscribe(self, topic: str, handler: Handler, *, retained: bool = False) -> None:
        """Subscribe on every connect. Call it before `start`.

        Args:
            topic: Or a filter, with ``+`` and ``#``; no two that match the same topic.
            handler: Called in the background for each message: it makes a note, waits for nothing and raises
                nothing.
            retained: Whether the broker shall send what it keeps, on every connect; MQTT 3.1.1 does so in any case.
        """
        self._connector.subscriptions.add(Subscription(topic, handler, retained=retained))

    def replace_subscription(self, old: str, topic: str, handler: Handler, *, retained: bool = False) -> None:
        """Subscribe to another topic instead of `old`; the arguments are those of `subscribe`."""
        self._connector.subscriptions.replace(old, Subscription(topic, handler, retained=retained))
        self._wake_up.wake()

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
        self._wake_up.wake()

    def publish_retained(self, topic: Topic, payload: str) -> None:
        """Publish what is so now. Only the newest is kept, and sent again on every connect."""
        self._sender.keep(topic, payload)
        self._wake_up.wake()

    def publish_once(self, message: Outgoing) -> None:
        """Publish something that is forgotten once it is sent, such as an answer. The newest 32 wait for the broker."""
        self._sender.pending.once(message)
        self._wake_up.wake()

    def publish_live(self, topic: Topic, payload: Callable[[], str]) -> bool:
        """Publish something that is worthless when it is late; return False if no broker is connected now, or answers.

        `payload` makes it, and is called only where it is sent. A stalled network that is not noticed yet delays it.
        """
        if not self.connected or self._connector.behind:
            return False
        self._sender.pending.live(Outgoing.on(topic, payload()))
        self._wake_up.wake()
        return True

    def publish_again(self) -> None:
        """Send everything retained again, for somebody who forgot it."""
        self._sender.pending.again()
        self._wake_up.wake()

    @property
    def connected(self) -> bool:
        """Whether a broker has accepted the connection that is open."""
        return self._connector.connected

    @property
    def reconnects(self) -> int:
        """Accepted connections after the first."""
        return max(0, self._connector.connections - 1)

    @property
    def refused(self) -> str | None:
        """Why the broker last refused, in plain words; None once it accepts."""
        return self._status.refused

    @property
    def health(self) -> BrokerHealth:
        """What `health` says about the connection to the broker."""
        return BrokerHealth(reconnects=self.reconnects, refused=self.refused, conflicts=self._connector.conflicts.count)

    @property
    def latencies(self) -> tuple[float, ...]:
        """Milliseconds from capture to the broker's acknowledgement, of the newest 1000 events, oldest first."""
        return self._sender.latencies

    def close(self, timeout_s: float = 1.5) -> None:
        """Send what waits, publish ``offline`` and leave; all within the timeout. Safe to call twice.

        A broker that does not answer in time publishes the last will instead, which says the same.
        """
        if not self._thread.ident:
            self._wake_up.close()
            return
        now = self._clock()
        self._connector.close(drain_by_s=now + 0.6 * timeout_s, close_by_s=now + 0.9 * timeout_s)
        self._thread.join(timeout_s)
