"""What becomes of a message, and of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.mqtt.message import Outgoing


EndKind = Literal["away", "mute", "malformed", "refused", "version", "taken over", "left"]

_UNAVAILABLE = {"Server unavailable", "Server busy", "Quota exceeded", "Connection rate exceeded"}
"""Refusals that are not about this device: a cluster refuses so while it chooses a leader, or has too many clients."""

_CLOSED = "Unspecified error"
"""How paho names the end of a connection for which it knows no reason."""

_KINDS: dict[str, EndKind] = {
    "Protocol error": "malformed",
    "Malformed packet": "malformed",
    "Session taken over": "taken over",
}


@dataclass(frozen=True)
class End:
    """Why a connection is over."""

    kind: EndKind
    """Not reached or lost; never answered; sent what cannot be read; refused us; speaks another MQTT version; the
    broker gave our client id to somebody else; we left."""

    reason: str
    """A clause for a person."""

    by_broker: bool = False
    """Whether the broker ended it, once it had accepted it: it closed the socket, or sent DISCONNECT."""

    code: str = ""
    """The reason code as MQTT 5 names it; empty: the broker sent none."""


LEFT = End("left", "closed")


def refusal(code: ReasonCode) -> End:
    """Return the end of a connection that the broker does not accept.

    Args:
        code: Of its CONNACK.
    """
    name = code.getName()
    if name == "Unsupported protocol version":
        return End("version", str(code).lower(), code=name)
    return End("away" if name in _UNAVAILABLE else "refused", str(code).lower(), code=name)


def disconnection(code: ReasonCode, *, accepted: bool, explained: bool, asked: str) -> End:
    """Return the end of a connection that is lost.

    Args:
        code: Of the broker's DISCONNECT, or what paho knows.
        accepted: Whether the broker had accepted the connection.
        explained: Whether the broker sent a DISCONNECT.
        asked: The filters that were subscribed to and not answered.
    """
    name = code.getName()
    reason = "the broker closed the connection" if name == _CLOSED else name.lower()
    by_broker = accepted and (explained or name == _CLOSED)
    if by_broker and not explained and asked:
        reason += f" instead of answering the subscriptions; may this device subscribe to {asked}?"
    kind = _KINDS.get(name, "away" if accepted else "mute")
    return End(kind, reason, by_broker=by_broker, code=name if explained else "")


@dataclass(frozen=True)
class Sent:
    """A message on its way."""

    message: Outgoing
    size: int
    """Bytes of its packet."""

    sequence: int | None
    """Of an event, in the outbox."""

    at_s: float = 0.0
    """When it was sent, on the connection's clock."""


class Receiver(Protocol):
    """Is called with what became of each message; of QoS 0, events only."""

    def arrived(self, sent: Sent) -> None:
        """Note that the broker has it."""

    def refused(self, sent: Sent, reason: str) -> None:
        """Note that the broker refuses it."""
