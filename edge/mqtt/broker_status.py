"""What is said of a broker that does not do its part: each thing once, and again only after it was mended."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.config import Broker
    from edge.mqtt.connection import End

_LOG = logging.getLogger(__name__)


class BrokerStatus:
    """Remembers what was said. Used by the one thread that publishes."""

    def __init__(self, broker: Broker, event_topic: str) -> None:
        self._broker = broker
        self._event_topic = event_topic
        self._told: set[str] = set()
        self.refused: str | None = None
        """Why the broker last refused, in plain words; None once it accepts."""

    def ended(self, end: End, *, accepted: bool) -> None:
        """Say why a connection is over, that the broker had accepted or not."""
        if end.kind == "forbidden":
            sentence = f"{self._broker} refuses what is published to {self._event_topic}: {end.reason}"
        elif end.kind == "refused":
            sentence = f"{self._broker} refuses: {end.reason}; check the user in mqtt.url and mqtt.password_file"
        else:
            sentence = f"{'lost' if accepted else 'cannot reach'} {self._broker}: {end.reason}"
        self.say(end, sentence)

    def say(self, end: End, sentence: str) -> None:
        """Say why a connection is over in a sentence of one's own."""
        kind = "away" if end.kind == "mute" else end.kind
        if kind in ("refused", "forbidden"):
            self.refused = end.reason
        if kind in ("away", "refused", "forbidden"):
            self._once(kind, f"{sentence}; trying again, events are kept")

    def denied(self, topics: Mapping[str, str]) -> None:
        """Say which topics the broker closes to this device, each with the reason."""
        for topic, reason in topics.items():
            self._once(topic, f"{self._broker} does not open {topic} to this device: {reason}")

    def accepted(self) -> bool:
        """Note that the broker accepts a connection; gives whether that had to be mended."""
        if "forbidden" not in self._told:  # else only an acknowledged event shows that it is mended
            self.refused = None
        back = {"away", "refused"} & self._told
        self._told -= back
        return bool(back)

    def acknowledged(self) -> None:
        """Note that the broker has taken an event."""
        if "forbidden" in self._told:
            self._told.discard("forbidden")
            self.refused = None

    def _once(self, what: str, sentence: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _LOG.warning("%s", sentence)
