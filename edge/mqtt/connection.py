"""One connection to a broker, driven by whoever owns it: nothing here has a thread."""

from __future__ import annotations

import selectors
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.mqtt.message import Incoming
from edge.mqtt.outbox.queue import WINDOW

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from paho.mqtt.reasoncodes import ReasonCode

    from edge.mqtt.message import Outgoing
    from edge.mqtt.wakeup import WakeUp

Handler = Callable[[Incoming], None]
"""Takes a message, on the thread that publishes: it only makes a note."""

_KEEPALIVE_S = 30

_MOST_BYTES = 2_000_000
"""What the broker may send in one message; else anybody who may send us a command could fill our memory."""


@dataclass(frozen=True)
class End:
    """Why a connection is over."""

    kind: Literal["away", "mute", "refused", "protocol", "forbidden", "closed"]
    """Not reached or lost; never answered; refused us; speaks another version; refused an event; we left."""

    reason: str
    """A clause for a person."""


class Connection:
    """One connection, from CONNECT to the end of its socket. Used by one thread."""

    def __init__(
        self,
        client: paho.Client,
        wake_up: WakeUp,
        on_event: Callable[[int], None],
        handlers: Mapping[str, Handler],
    ) -> None:
        """Prepare; `open` connects.

        Args:
            client: A fresh one.
            wake_up: What wakes a `step`.
            on_event: Called with the sequence of each event that the broker has.
            handlers: What is subscribed to once the broker accepts, and who takes it.
        """
        self.accepted = False
        self.end: End | None = None
        self._window = WINDOW
        self.unsettled: dict[int, str] = {}  # message id -> topic
        self.denied: dict[str, str] = {}  # topics that are not open to us, and why
        self._events: dict[int, int] = {}  # message id -> the outbox's sequence
        self._on_event = on_event
        self._wake_up = wake_up
        self._selector = selectors.DefaultSelector()
        self._client = client
        client.on_connect = self._connected
        client.on_publish = self._published
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        self._mqtt5 = client.protocol == paho.MQTTv5
        self._filters = list(handlers)
        for topic, handler in handlers.items():
            client.message_callback_add(topic, _passing_to(handler))

    def open(self, host: str, port: int) -> None:
        """Reach the broker and send CONNECT; the answer comes in a `step`.

        Raises:
            OSError: It is not reached.
        """
        limits = None
        if self._mqtt5:
            limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has only some types
            limits.MaximumPacketSize = _MOST_BYTES
        self._client.connect(host, port, keepalive=_KEEPALIVE_S, properties=limits)
        self._selector.register(self._wake_up.socket, selectors.EVENT_READ)
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
        if self._wake_up.socket in ready:
            self._wake_up.clear()
        if buffered or ready.get(sock, 0) & selectors.EVENT_READ:
            self._client.loop_read()
        if ready.get(sock, 0) & selectors.EVENT_WRITE:
            self._client.loop_write()
        self._client.loop_misc()
        if self.end and self.end.kind != "closed":
            self.abort(self.end)

    def publish(self, message: Outgoing, sequence: int | None = None) -> None:
        """Send a message; an event's sequence comes back through `on_event` once the broker has it."""
        properties = None
        if self._mqtt5 and message.correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = message.correlation
        info = self._client.publish(
            message.topic, message.payload, qos=message.qos, retain=message.retain, properties=properties
        )
        if info.rc != paho.MQTT_ERR_SUCCESS:
            self.abort(End("away", paho.error_string(info.rc)))
        elif sequence is not None:
            self._events[info.mid] = sequence
        elif message.qos:
            self.unsettled[info.mid] = message.topic

    def disconnect(self) -> None:
        """Leave in good order: the broker forgets the last will."""
        if not self.end:
            self.end = End("closed", "closed")
            self._client.disconnect()

    def abort(self, end: End) -> None:
        """Close the socket without DISCONNECT: the broker publishes the last will."""
        self.end = self.end or end
        if sock := self._socket():
            sock.close()
            self._client.loop_read()  # so that paho notices

    def close(self) -> None:
        """Release what is held."""
        self.abort(End("closed", "closed"))
        self._selector.close()
        # They lead back to here: without the cycle, paho's sockets are freed now, not at the next garbage collection.
        self._client.on_connect = self._client.on_publish = self._client.on_disconnect = None
        self._client.on_subscribe = None

    @property
    def window(self) -> int:
        """How many events may be on their way: the broker's Receive Maximum counts retained messages too."""
        return self._window - len(self.unsettled)

    @property
    def room(self) -> int:
        """How many messages more the broker takes now."""
        return self.window - len(self._events)

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
            unknown = code.getName() == "Unsupported protocol version"
            self.end = End("protocol" if unknown else "refused", str(code).lower())
            return
        self._window = min(WINDOW, getattr(extra, "ReceiveMaximum", WINDOW))
        self.accepted = True
        # Retained as published: a command that the broker keeps means the same now as after a restart, nothing.
        how = [SubscribeOptions(qos=1, retainAsPublished=True) if self._mqtt5 else 1] * len(self._filters)
        if self._filters:
            self._client.subscribe(list(zip(self._filters, how, strict=True)))  # type: ignore[arg-type]

    def _published(self, _client: paho.Client, _data: Any, mid: int, code: ReasonCode, _extra: Any) -> None:
        topic = self.unsettled.pop(mid, None)
        sequence = self._events.pop(mid, None)
        if code.is_failure and sequence is not None:
            self.end = End("forbidden", str(code).lower())
        elif code.is_failure and topic is not None:
            self.denied[topic] = str(code).lower()
        elif sequence is not None:
            self._on_event(sequence)

    def _subscribed(
        self, _client: paho.Client, _data: Any, _mid: int, codes: list[ReasonCode], _extra: Properties | None
    ) -> None:
        for topic, code in zip(self._filters, codes, strict=False):  # a broker may answer nonsense
            if code.is_failure:
                self.denied[topic] = str(code).lower()

    def _disconnected(self, _client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _extra: Any) -> None:
        name = code.getName()
        reason = "the broker closed the connection" if name == "Unspecified error" else name.lower()
        self.end = self.end or End("away" if self.accepted else "mute", reason)


def _passing_to(handler: Handler) -> Callable[[paho.Client, Any, paho.MQTTMessage], None]:
    def pass_on(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        extra = message.properties  # None before MQTT 5
        handler(
            Incoming(
                message.topic,
                bytes(message.payload),
                retained=message.retain,
                response_topic=getattr(extra, "ResponseTopic", None),
                correlation=getattr(extra, "CorrelationData", None),
            )
        )

    return pass_on
