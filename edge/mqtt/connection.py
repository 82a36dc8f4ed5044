"""One connection to a broker, driven by its owner: nothing here has a thread."""

from __future__ import annotations

import selectors
import ssl
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.mqtt.limits import packet_bytes
from edge.mqtt.outbox import WINDOW
from edge.mqtt.outcome import LEFT, End, Sent, disconnection, refusal
from edge.mqtt.paho_client import MOST_BYTES

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from paho.mqtt.reasoncodes import ReasonCode

    from edge.mqtt.limits import BrokerLimits
    from edge.mqtt.message import Outgoing
    from edge.mqtt.outcome import Receiver
    from edge.mqtt.subscriptions import Subscriptions
    from edge.mqtt.wakeup import WakeUp

_KEEPALIVE_S = 30

_BEHIND_S = 1.0
"""Seconds without an acknowledgement after which what is sent would wait; from far away one takes 0.3 s."""


class Connection:
    """One connection, from CONNECT to the end of its socket. Used by one thread."""

    def __init__(
        self,
        client: paho.Client,
        wake_up: WakeUp,
        subscriptions: Subscriptions,
        receiver: Receiver,
        limits: BrokerLimits,
        *,
        clock: Callable[[], float],
    ) -> None:
        """Prepare; `open` connects.

        Args:
            client: A fresh one.
            wake_up: What ends the wait of a `step`.
            subscriptions: What is subscribed to once the broker accepts.
            receiver: Is called with what became of each message.
            limits: Where the broker's limits are noted.
            clock: Seconds that never jump.
        """
        self.accepted = False
        self.end: End | None = None
        self.mqtt5 = client.protocol == paho.MQTTv5
        self._window = WINDOW
        self._underway: dict[int, Sent] = {}  # by message id
        self._unconfirmed: list[Sent] = []  # events with QoS 0, which the broker does not acknowledge
        self._confirming: tuple[int, list[Sent]] | None = None
        self._receiver, self._limits = receiver, limits
        self._wake_up, self._clock = wake_up, clock
        self._selector = selectors.DefaultSelector()
        self._client = client
        client.on_connect = self._connected
        client.on_publish = self._published
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_unsubscribe = self._unsubscribed
        self._subscriptions = subscriptions
        subscriptions.attach(client)

    def open(self, host: str, port: int) -> None:
        """Reach the broker and send CONNECT; the answer comes in a `step`.

        Raises:
            OSError: It is not reached.
        """
        limits = None
        if self.mqtt5:
            limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has only some types
            limits.MaximumPacketSize = MOST_BYTES
        self._client.connect(host, port, keepalive=_KEEPALIVE_S, properties=limits)
        self._selector.register(self._wake_up, selectors.EVENT_READ)
        if sock := self._socket():
            self._selector.register(sock, selectors.EVENT_READ)

    def step(self, timeout_s: float) -> None:
        """Wait for the network or the wake-up, and do what is due."""
        if (sock := self._socket()) is None:
            return
        writes = selectors.EVENT_WRITE if self._client.want_write() else 0
        self._selector.modify(sock, selectors.EVENT_READ | writes)
        buffered = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0  # which no selector sees
        ready = {key.fileobj: mask for key, mask in self._selector.select(0 if buffered else timeout_s)}
        if self._wake_up in ready:
            self._wake_up.clear()
        if buffered or ready.get(sock, 0) & selectors.EVENT_READ:
            self._client.loop_read()
        if ready.get(sock, 0) & selectors.EVENT_WRITE:
            self._client.loop_write()
        self._client.loop_misc()
        if self.end and self.end != LEFT:
            self.abort(self.end)

    def publish(self, message: Outgoing, sequence: int | None = None) -> None:
        """Send a message.

        Args:
            message: With the QoS that the broker takes.
            sequence: Of an event, in the outbox.
        """
        properties = None
        if self.mqtt5 and message.correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = message.correlation
        info = self._client.publish(
            message.topic, message.payload, qos=message.qos, retain=message.retain, properties=properties
        )
        sent = Sent(message, packet_bytes(message, mqtt5=self.mqtt5), sequence, self._clock())
        if info.rc != paho.MQTT_ERR_SUCCESS:
            self.abort(End("away", paho.error_string(info.rc)))
        elif message.qos:
            self._underway[info.mid] = sent
        elif sequence is not None:
            self._unconfirmed.append(sent)

    def resubscribe(self) -> None:
        """Subscribe to what took the place of another subscription."""
        self._subscriptions.apply(self._client)

    def confirm(self) -> None:
        """Have the events with QoS 0 confirmed: a broker that answers an UNSUBSCRIBE has read what came before it.

        It reads the packets of a connection in order, and answers this one although there is no such subscription.
        """
        if self._unconfirmed and not self._confirming:
            _, mid = self._client.unsubscribe(self._subscriptions.unused)
            if mid is not None:
                self._confirming = mid, self._unconfirmed
                self._unconfirmed = []

    def disconnect(self) -> None:
        """Leave in good order: the broker forgets the last will."""
        if not self.end:
            self.end = LEFT
            self._client.disconnect()

    def abort(self, end: End) -> None:
        """Close the socket without DISCONNECT: the broker publishes the last will."""
        self.end = self.end or end
        if sock := self._socket():
            sock.close()
            self._client.loop_read()  # so that paho notices

    def close(self) -> None:
        """Release what is held."""
        self.abort(LEFT)
        self._selector.close()
        # They lead back to here: without the cycle, paho's sockets are freed now, not at the next garbage collection.
        self._client.on_connect = self._client.on_publish = self._client.on_disconnect = None
        self._client.on_subscribe = self._client.on_unsubscribe = None

    @property
    def underway(self) -> list[Sent]:
        """What was sent and is not answered, in the order of sending."""
        confirming = self._confirming[1] if self._confirming else []
        return [*self._underway.values(), *confirming, *self._unconfirmed]

    @property
    def waits_s(self) -> float:
        """For how long the oldest message has waited for its acknowledgement."""
        oldest = next(iter(self._underway.values()), None)
        return self._clock() - oldest.at_s if oldest else 0.0

    @property
    def behind(self) -> bool:
        """Whether what is sent now would wait: the socket takes nothing, or the broker does not answer."""
        return self._client.want_write() or self.waits_s >= _BEHIND_S

    @property
    def window(self) -> int:
        """How many events may be on their way: the broker's Receive Maximum counts retained messages too."""
        return self._window - sum(sent.sequence is None for sent in self._underway.values())

    @property
    def room(self) -> int:
        """How many messages more the broker takes now."""
        return self._window - len(self._underway)

    @property
    def open_now(self) -> bool:
        """Whether there is a socket."""
        return self._socket() is not None

    def _socket(self) -> socket.socket | None:
        return self._client.socket()  # type: ignore[return-value]  # a wrapper only over websockets

    def _connected(
        self, _client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, extra: Properties | None
    ) -> None:
        if code.is_failure:
            self.end = refusal(code)
            return
        self._window = min(WINDOW, getattr(extra, "ReceiveMaximum", WINDOW))
        if self.mqtt5:
            self._limits.announced(extra)
        self.accepted = True
        self._subscriptions.subscribe(self._client)

    def _published(self, _client: paho.Client, _data: Any, mid: int, code: ReasonCode, _extra: Any) -> None:
        if (sent := self._underway.pop(mid, None)) is None:
            return
        if code.is_failure:
            self._receiver.refused(sent, str(code).lower())
        else:
            self._receiver.arrived(sent)

    def _unsubscribed(self, _client: paho.Client, _data: Any, mid: int, _codes: Any, _extra: Any) -> None:
        if self._confirming and self._confirming[0] == mid:
            confirmed, self._confirming = self._confirming[1], None
            for sent in confirmed:
                self._receiver.arrived(sent)

    def _subscribed(
        self, _client: paho.Client, _data: Any, _mid: int, codes: list[ReasonCode], _extra: Properties | None
    ) -> None:
        self._subscriptions.answered(codes)

    def _disconnected(self, _client: paho.Client, _data: Any, flags: Any, code: ReasonCode, _extra: Any) -> None:
        asked = self._subscriptions.topics if self._subscriptions.waiting else ""
        explained = flags.is_disconnect_packet_from_server
        self.end = self.end or disconnection(code, accepted=self.accepted, explained=explained, asked=asked)
