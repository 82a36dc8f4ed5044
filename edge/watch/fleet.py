"""What is known of each device, from the messages received."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from edge.watch.losses import LossCounter
from edge.watch.plausible import plausible
from edge.watch.timeline import Gap, Timeline
from edge.wire.messages import CameraStatus, FaceEvent, Health, Info, State
from edge.wire.payload_types import PAYLOADS

if TYPE_CHECKING:
    from edge.wire.messages import Payload, StateFace

MOST_DEVICES = 5000
"""Devices that are known at most, five times the fleet of docs/fleet.md: anybody may publish under new names."""

_RECENT = 20
"""Events kept to be listed."""

_CLOCK_WRONG = timedelta(minutes=1)
"""Difference to our clock, transport included, from which a device's clock counts as wrong."""


@dataclass(frozen=True)
class Message:
    """One MQTT message."""

    topic: str
    payload: bytes
    received_at: datetime
    retained: bool = False
    """True: it was published before we subscribed."""


@dataclass
class Device:
    """One device, as its topics describe it."""

    active: datetime
    """When something last changed there, by our clock."""

    availability: Literal["?", "online", "offline", "removed"] = "?"
    state: State | None = None
    camera: CameraStatus | None = None
    health: Health | None = None
    losses: LossCounter = field(default_factory=LossCounter)
    timeline: Timeline = field(default_factory=Timeline)

    clock_offset: timedelta = timedelta()
    """How far its clock is behind ours: a Pi has no battery for one. Zero where it is about right."""

    @property
    def faces(self) -> tuple[StateFace, ...]:
        """Who is there; nobody while the device or its camera is away, and until the first state after that."""
        if not self.state or self.availability == "offline" or (self.camera and self.camera.status != "online"):
            return ()
        session = self.state.session
        return tuple(face for face in self.state.faces if self.timeline.is_present(session, face.id))

    def set_availability(self, availability: Literal["online", "offline"], message: Message) -> None:
        """Apply a message's availability, which has no time stamp of its own."""
        at = message.received_at - self.clock_offset
        before, self.availability = self.availability, availability
        if availability == "online":
            self.timeline.end_gap(Gap.OFFLINE, at)
        else:
            # A device that was offline before we subscribed was last alive when it sent its last state.
            known = self.state.captured_at if self.state and message.retained else at
            self.timeline.begin_gap(Gap.OFFLINE, min(at, known))
        if self.availability != before:
            self.active = message.received_at

    def remove(self, at: datetime) -> None:
        """Note that the broker keeps nothing of it any more. Its timeline stays, for the plot."""
        self.timeline.begin_gap(Gap.OFFLINE, at - self.clock_offset)
        self.availability, self.state, self.camera, self.health = "removed", None, None, None

    def restore(self, at: datetime) -> None:
        """Note that it was removed, and publishes again."""
        self.timeline.end_gap(Gap.OFFLINE, at - self.clock_offset)
        self.availability = "?"

    def apply(self, payload: Payload, message: Message) -> FaceEvent | None:
        """Apply a payload; return it if it is an event not received before."""
        match payload:
            case FaceEvent():
                lost = self.losses.count(payload.session, payload.sequence)
                if lost is None:
                    return None
                self.timeline.event(payload, lost)
                self.active = message.received_at
                return payload
            case State():
                if not message.retained:
                    off = message.received_at - payload.captured_at
                    self.clock_offset = off if abs(off) > _CLOCK_WRONG else timedelta()
                self.state = payload
                self.timeline.state(payload)
                if message.retained and self.availability == "offline":
                    self.timeline.begin_gap(Gap.OFFLINE, payload.captured_at)
            case CameraStatus():
                if payload.status != (self.camera.status if self.camera else "online"):
                    self.active = message.received_at
                self.camera = payload
                change = self.timeline.begin_gap if payload.status != "online" else self.timeline.end_gap
                change(Gap.NO_CAMERA, payload.since)
            case Health():
                self.health = payload
            case Info(previous_session=str(session), previous_last_sequence=int(last)):
                self.losses.session_ended(session, last)
        return None


@dataclass
class Fleet:
    """All devices below one base topic."""

    base: str
    devices: dict[str, Device] = field(default_factory=dict)
    """Those that are or were there, by name."""

    recent: list[FaceEvent] = field(default_factory=list)
    invalid: int = 0
    """Messages that do not follow the contract."""

    ignored: int = 0
    """Messages of devices beyond the first `MOST_DEVICES`."""

    def receive(self, message: Message) -> FaceEvent | None:
        """Apply a message.

        Returns:
            Its event, if it holds one that was not received before.
        """
        name, _, last = message.topic.removeprefix(f"{self.base}/").rpartition("/")
        if "/" in name or last in {"frame", "summary"} or last not in {"availability", *PAYLOADS}:
            return None  # of every frame, of hours and days, another program's, or a later version's
        if not message.payload:  # the topic is emptied, as `emotion-edge forget` does with all that are kept
            if last == "availability" and name in self.devices:
                self.devices[name].remove(message.received_at)
            return None
        if name not in self.devices and len(self.devices) >= MOST_DEVICES:
            self.ignored += 1
            return None
        if last == "availability":
            self._receive_availability(name, message)
            return None
        try:
            payload: Payload | None = PAYLOADS[last].model_validate_json(message.payload)
        except ValidationError:
            payload = None
        if payload is None or not plausible(payload):
            self.invalid += 1
            return None
        event = self._device(name, message).apply(payload, message)
        if event:
            self.recent = [*self.recent, event][-_RECENT:]
        return event

    @property
    def listed(self) -> dict[str, Device]:
        """The devices that were not removed, by name."""
        return {name: device for name, device in self.devices.items() if device.availability != "removed"}

    @property
    def timelines(self) -> dict[str, Timeline]:
        """The timelines by device."""
        return {name: device.timeline for name, device in self.devices.items()}

    def prune(self, before: datetime) -> None:
        """Drop what ended before that time."""
        for device in self.devices.values():
            device.timeline.prune(before - device.clock_offset)

    def _receive_availability(self, name: str, message: Message) -> None:
        match message.payload:
            case b"online":
                self._device(name, message).set_availability("online", message)
            case b"offline":
                self._device(name, message).set_availability("offline", message)
            case _:
                self.invalid += 1

    def _device(self, name: str, message: Message) -> Device:
        device = self.devices.setdefault(name, Device(message.received_at))
        if device.availability == "removed":
            device.restore(message.received_at)
        return device
