"""What the client subscribes to, and who takes the messages."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.mqtt.message import Incoming

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

Handler = Callable[[Incoming], None]
"""Takes a message, on the thread that publishes: it only makes a note."""


@dataclass(frozen=True)
class Subscription:
    """One filter, and who takes its messages."""

    topic: str
    handler: Handler
    retained: bool = False
    """Whether the broker shall send what it keeps."""

    as_published: bool = True
    """Whether a new message that is to be kept says so, as what the broker had kept does; never before MQTT 5."""

    optional: bool = False
    """Whether a broker may refuse it without a word about that."""


class Subscriptions:
    """All of them; the same on every connection."""

    def __init__(self, root: str) -> None:
        """Begin with none.

        Args:
            root: What the device's topics lie below.
        """
        self.unused = f"{root}/none"
        """A topic that is never subscribed to."""
        self.denied: dict[str, str] = {}
        """Filters that the broker refuses, and why."""
        self.waiting = False
        """Whether the broker has not answered."""
        self._all: list[Subscription] = []
        self._replaced: deque[tuple[str, Subscription]] = deque()

    @property
    def topics(self) -> str:
        """All filters, for a person."""
        return ", ".join(subscription.topic for subscription in self._all)

    def add(self, subscription: Subscription) -> None:
        """Add one, before the first connection."""
        self._all.append(subscription)

    def replace(self, topic: str, subscription: Subscription) -> None:
        """Have one take the place of the one with this filter. From any thread; `apply` does it."""
        self._replaced.append((topic, subscription))

    def apply(self, client: paho.Client) -> None:
        """Do what `replace` asked for, on a connection that the broker has accepted."""
        if not self._replaced:
            return
        for topic in self._take_replaced():
            client.message_callback_remove(topic)
            client.unsubscribe(topic)
        self.attach(client)
        self.subscribe(client)

    def _take_replaced(self) -> list[str]:
        """Bring the list up to date, and return the filters that are gone."""
        gone = []
        while self._replaced:
            topic, subscription = self._replaced.popleft()
            index = next(index for index, one in enumerate(self._all) if one.topic == topic)
            self._all[index] = subscription
            gone.append(topic)
        return gone

    def attach(self, client: paho.Client) -> None:
        """Have the messages that a client receives handled."""
        self._take_replaced()
        for subscription in self._all:
            client.message_callback_add(subscription.topic, _passing_to(subscription.handler))

    def subscribe(self, client: paho.Client) -> None:
        """Subscribe on a connection that the broker has accepted."""
        self.denied.clear()
        self.waiting = bool(self._all)
        mqtt5 = client.protocol == paho.MQTTv5
        filters = [(wanted.topic, _options(wanted) if mqtt5 else 1) for wanted in self._all]
        if filters:
            client.subscribe(filters)  # type: ignore[arg-type]  # a list of either kind

    def answered(self, codes: list[ReasonCode]) -> None:
        """Note the broker's answer to each subscription, in their order."""
        self.waiting = False
        for subscription, code in zip(self._all, codes, strict=False):  # a broker may answer nonsense
            if code.is_failure and not subscription.optional:
                self.denied[subscription.topic] = str(code).lower()


def _options(subscription: Subscription) -> SubscribeOptions:
    # Retained as published, mostly: a command that the broker keeps means the same now as after a restart, nothing.
    handling = (
        SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if subscription.retained else SubscribeOptions.RETAIN_DO_NOT_SEND
    )
    return SubscribeOptions(qos=1, retainAsPublished=subscription.as_published, retainHandling=handling)


def _passing_to(handler: Handler) -> Callable[[paho.Client, Any, paho.MQTTMessage], None]:
    def pass_on(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        extra = message.properties  # None before MQTT 5
        incoming = Incoming(
            message.topic,
            bytes(message.payload),
            retained=message.retain,
            response_topic=getattr(extra, "ResponseTopic", None),
            correlation=getattr(extra, "CorrelationData", None),
        )
        try:
            handler(incoming)
        except Exception:  # a defect of ours costs this message, not the connection
            log.exception("a message on %r is ignored; this is a defect, please report it", message.topic[:80])

    return pass_on
