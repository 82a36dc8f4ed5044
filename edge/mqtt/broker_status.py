"""What is wrong with the broker: each problem is logged once, and again only after it was fixed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.logs import LogOnce

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.config import Broker
    from edge.mqtt.connection import End

_LOG = logging.getLogger(__name__)


class BrokerStatus:
    """What the broker last refused, and what was logged of it. Used by the one thread that publishes."""

    def __init__(self, broker: Broker, event_topic: str) -> None:
        self._broker = broker
        self._event_topic = event_topic
        self._problems = LogOnce(_LOG)
        self.refused: str | None = None
        """Why the broker last refused, in plain words; None once it accepts."""

    def ended(self, end: End, *, accepted: bool) -> None:
        """Log why a connection is over, that the broker had accepted or not."""
        if end.kind == "forbidden":
            sentence = f"{self._broker} refuses what is published to {self._event_topic}: {end.reason}"
        elif end.kind == "refused":
            sentence = f"{self._broker} refuses: {end.reason}; check the user in mqtt.url and mqtt.password_file"
        else:
            sentence = f"{'lost' if accepted else 'cannot reach'} {self._broker}: {end.reason}"
        self.failed(end, sentence)

    def failed(self, end: End, sentence: str) -> None:
        """Log why a connection is over, in this sentence."""
        kind = "away" if end.kind == "mute" else end.kind
        if kind in ("refused", "forbidden"):
            self.refused = end.reason
        if kind in ("away", "refused", "forbidden"):
            self._problems.warning(kind, "%s; trying again, events are kept", sentence)

    def denied(self, topics: Mapping[str, str]) -> None:
        """Log which topics the broker does not open to this device, each with the reason."""
        for topic, reason in topics.items():
            self._problems.warning(topic, "%s does not open %s to this device: %s", self._broker, topic, reason)

    def accepted(self) -> bool:
        """Note that the broker accepts a connection; return whether it did not before."""
        if not self._problems.logged("forbidden"):  # else only an acknowledged event shows that it is fixed
            self.refused = None
        return self._problems.forget("away", "refused")

    def acknowledged(self) -> None:
        """Note that the broker has taken an event."""
        if self._problems.forget("forbidden"):
            self.refused = None
