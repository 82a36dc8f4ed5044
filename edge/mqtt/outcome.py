"""What becomes of a message, and of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from edge.mqtt.message import Outgoing


@dataclass(frozen=True)
class End:
    """Why a connection is over."""

    kind: Literal["away", "mute", "malformed", "refused", "version", "taken over", "left"]
    """Not reached or lost; never answered; sent what cannot be read; refused us; speaks another MQTT version; the
    broker gave our client id to somebody else; we left."""

    reason: str
    """A clause for a person."""

    by_broker: bool = False
    """Whether the broker ended it, once it had accepted it: it closed the socket, or sent DISCONNECT."""

    code: str = ""
    """The reason code as MQTT 5 names it; empty: the broker sent none."""


LEFT = End("left", "closed")


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
