"""What is wrong with the broker: each problem is logged once, and again only after it was fixed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.logs import LogOnce
from edge.text import printable

if TYPE_CHECKING:
    from edge.config import Broker
    from edge.mqtt.limits import BrokerLimits
    from edge.mqtt.outcome import End
    from edge.mqtt.rejections import Rejection
    from edge.wire.topics import Topics

log = logging.getLogger(__name__)

_AWAY, _REFUSED, _TAKEN_OVER = "away", "refused", "taken over"
_EVENTS, _NOTHING_FITS = "events", "nothing fits"
_TOPIC, _LARGE, _SKIPPED, _REPLY = "topic ", "large ", "skipped", "reply"
_NO_RETAIN, _NO_QOS, _VERSION = "no retain", "no QoS", "version"

_LOGIN = {"Bad user name or password", "Not authorized", "Bad authentication method"}
"""Reasons to refuse a connection that have to do with its user."""

_CHECK_USER = "; check the user in mqtt.url and mqtt.password_file"


class BrokerStatus:
    """What the broker refuses, and what was logged of it. Any thread may read `refused`, one thread does the rest."""

    def __init__(self, broker: Broker, topics: Topics) -> None:
        self._broker, self._topics = broker, topics
        self._problems = LogOnce(log)
        # Of the problems with which nothing arrives. Each change replaces it: another thread may be reading it.
        self._reasons: dict[str, str] = {}

    @property
    def refused(self) -> str | None:
        """Why the broker refuses, in plain words; None once it accepts."""
        return next(reversed(self._reasons.values()), None)

    @property
    def is_away(self) -> bool:
        """Whether it was logged that the broker cannot be reached, and is not back."""
        return self._problems.logged(_AWAY)

    def failed(self, end: End, *, answered: bool = True, accepted: bool = False, hint: str = "") -> None:
        """Log why a connection is over.

        Args:
            end: Why.
            answered: Whether the broker came to answer with MQTT.
            accepted: Whether it had accepted the connection.
            hint: What may help.
        """
        if end.kind == "taken over":
            self._note(_TAKEN_OVER, "another client has this device's client id")
            self._problems.warning(
                _TAKEN_OVER,
                "%s gave this device's connection to another client with the same client id: two daemons are named %r "
                "on one machine, or an SD card was copied. Name each device in mqtt.device, and give a copied card a "
                "machine id of its own (rm /etc/machine-id; systemd-machine-id-setup). Trying again, events are kept",
                self._broker,
                self._topics.device,
            )
        elif end.kind == "refused":
            self._note(_REFUSED, end.reason)
            what = f"cannot connect to {self._broker}: {end.reason}"
            if answered:
                what = f"{self._broker} refuses: {end.reason}{_CHECK_USER if end.code in _LOGIN else ''}"
            self._problems.warning(_REFUSED, "%s; trying again, events are kept", what)
        elif end.kind in ("away", "mute", "malformed"):
            what = f"{'lost' if accepted else 'cannot reach'} {self._broker}: {end.reason}"
            self._problems.warning(_AWAY, "%s%s; trying again, events are kept", what, hint)

    def accepted(self, limits: BrokerLimits) -> bool:
        """Note that the broker accepts a connection, and log what it does not take; return whether it was away."""
        gone = (_REFUSED, _TAKEN_OVER)
        self._reasons = {problem: reason for problem, reason in self._reasons.items() if problem not in gone}
        self._warn_unless(
            limits.retains,
            _NO_RETAIN,
            "%s keeps no retained messages: who subscribes later sees nothing until the next message, nor does Home "
            "Assistant after a restart. Allow them at the broker (mosquitto: retain_available true)",
        )
        self._warn_unless(
            limits.most_qos > 0,
            _NO_QOS,
            "%s takes QoS 0 only: everything is sent so, and an event that the broker loses is lost. Allow QoS 1 at "
            "the broker (mosquitto: max_qos 1)",
        )
        return self._problems.forget(_AWAY, _REFUSED)

    def old_version(self, *, why: str) -> None:
        """Log that MQTT 3.1.1 is spoken in place of MQTT 5."""
        self._problems.warning(
            _VERSION, "%s sends what cannot be read with MQTT 5 (%s); trying MQTT 3.1.1", self._broker, why
        )

    def events_refused(self, reason: str) -> None:
        """Log that the broker does not take events."""
        self._note(_EVENTS, reason)
        self._problems.warning(
            _EVENTS,
            "%s refuses what is published to %s: %s; trying again, events are kept",
            self._broker,
            self._topics.event,
            reason,
        )

    def event_taken(self) -> None:
        """Note that the broker has taken an event."""
        if self._reasons:
            self._reasons = {}
            self._problems.forget(_EVENTS, _NOTHING_FITS)

    def topic_denied(self, topic: str, reason: str) -> None:
        """Log that the broker does not open one of the device's topics to it."""
        self._problems.warning(
            f"{_TOPIC}{topic}", "%s does not open %s to this device: %s", self._broker, topic, reason
        )

    def topic_refused(self, topic: str, reason: str) -> None:
        """Log that the broker does not take a message to one of the device's topics now."""
        self._problems.warning(
            f"{_TOPIC}{topic}", "%s refuses what is published to %s: %s; trying again", self._broker, topic, reason
        )

    def reply_refused(self, topic: str, reason: str) -> None:
        """Log that an answer may not go where it was asked for. Others choose the topic, so that only one is logged."""
        self._problems.warning(
            _REPLY, "%s does not open the response topic %r to this device: %s", self._broker, topic[:80], reason
        )

    def message_skipped(self, reason: str) -> None:
        """Log that a message to the device cannot be read."""
        self._problems.warning(
            _SKIPPED, "%s: a message to this device is skipped: %s; further ones are not logged", self._broker, reason
        )

    def nothing_fits(self, limits: BrokerLimits) -> None:
        """Log that not even the smallest event fits into the broker's packets."""
        self._note(_NOTHING_FITS, f"no event fits into packets of {limits.most_bytes} bytes")
        self._problems.warning(
            _NOTHING_FITS,
            "%s takes packets of %d bytes at most, and no event fits: events wait. Raise the limit at the broker "
            "(mosquitto: max_packet_size)",
            self._broker,
            limits.most_bytes,
        )

    def too_large(self, topic: str, size: int, limits: BrokerLimits) -> None:
        """Log that a message does not fit into the broker's packets."""
        what = "is dropped and counted" if topic == self._topics.event else "is not sent"
        if not self._problems.logged(_NOTHING_FITS):
            self._problems.warning(
                f"{_LARGE}{topic}",
                "%s takes packets of %d bytes at most: what is larger on %s (%d bytes now) %s. Raise the limit at the "
                "broker (mosquitto: max_packet_size)",
                self._broker,
                limits.most_bytes,
                topic,
                size,
                what,
            )

    def found(self, rejection: Rejection) -> None:
        """Log for which message the broker closes the connection."""
        topic, size = rejection.topic, rejection.size
        if size is None:
            self._problems.warning(
                f"{_TOPIC}{topic}",
                "%s closes the connection for what is published to %s: it %s. Let this device publish it (the broker's "
                "access list), or raise the broker's limits",
                self._broker,
                topic,
                "waits" if topic == self._topics.event else "is not sent",
            )
        else:
            self._problems.warning(
                f"{_LARGE}{topic}",
                "%s closes the connection for a packet of %d bytes on %s: what is as large %s. Raise the limit at "
                "the broker (mosquitto: max_packet_size)",
                self._broker,
                size,
                topic,
                "is dropped and counted" if topic == self._topics.event else "is not sent",
            )

    def name_conflict(self, session: str) -> None:
        """Log that another daemon publishes to this device's topics."""
        self._problems.warning(
            f"{_TAKEN_OVER} {session}",
            "another daemon (session %s) publishes to %s/… at %s: name each device in mqtt.device",
            printable(session, 40),
            self._topics.root,
            self._broker,
        )

    def _note(self, problem: str, reason: str) -> None:
        self._reasons = {**self._reasons, problem: reason}

    def _warn_unless(self, fine: bool, problem: str, sentence: str) -> None:  # noqa: FBT001  # the caller's condition
        if fine:
            self._problems.forget(problem)
        else:
            self._problems.warning(problem, sentence, self._broker)
