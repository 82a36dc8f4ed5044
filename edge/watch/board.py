"""What is known of each device, from the messages that were heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.watch.plausible import plausible
from edge.watch.sequences import Sequences
from edge.watch.timeline import Gap, Timeline
from edge.wire.messages import PAYLOADS, CameraStatus, FaceEvent, Health, Info, State

if TYPE_CHECKING:
    from edge.wire.messages import Payload

_RECENT = 20
"""Events that are remembered to be shown as they came."""

_CLOCK_OFF = timedelta(minutes=1)
"""What a device's clock may differ from ours, transport and all, before it counts as wrong."""


@dataclass(frozen=True)
class Message:
    """What came from the broker."""

    topic: str
    payload: bytes
    heard_at: datetime
    retained: bool = False
    """True of what was said before we came."""


@dataclass
class Device:
    """One device, as its topics tell it."""

    active: datetime
    """When something last changed there, by our clock."""

    availability: str = "?"
    state: State | None = None
    camera: CameraStatus | None = None
    health: Health | None = None
    sequences: Sequences = field(default_factory=Sequences)
    timeline: Timeline = field(default_factory=Timeline)

    clock_off: timedelta = timedelta()
    """How far its clock is behind ours: a Pi has no battery for one. Zero where it is about right."""

    @property
    def blind(self) -> bool:
        """Whether its camera sees nothing now."""
        return self.camera is not None and self.camera.status != "online"

    def available(self, message: Message) -> None:
        """Take in ``online`` or ``offline``, which bear no time of their own."""
        at = message.heard_at - self.clock_off
        before, self.availability = self.availability, message.payload.decode(errors="replace")
        if self.availability == "online":
            self.timeline.back(Gap.OFFLINE, at)
        else:
            # Of one that was offline before we came, the last state is the last sign of life.
            known = self.state.captured_at if self.state and message.retained else at
            self.timeline.away(Gap.OFFLINE, min(at, known))
        if self.availability != before:
            self.active = message.heard_at

    def take(self, payload: Payload, message: Message) -> FaceEvent | None:
        """Take in a payload; gives it back where it is an event that was not heard before."""
        match payload:
            case FaceEvent():
                lost = self.sequences.count(payload.session, payload.sequence)
                if lost is None:
                    return None
                self.timeline.event(payload, lost)
                self.active = message.heard_at
                return payload
            case State():
                if not message.retained:
                    off = message.heard_at - payload.captured_at
                    self.clock_off = off if abs(off) > _CLOCK_OFF else timedelta()
                self.state = payload
                self.timeline.state(payload)
                if message.retained and self.availability == "offline":
                    self.timeline.away(Gap.OFFLINE, payload.captured_at)
            case CameraStatus():
                if payload.status != (self.camera.status if self.camera else "online"):
                    self.active = message.heard_at
                self.camera = payload
                (self.timeline.away if self.blind else self.timeline.back)(Gap.BLIND, payload.since)
            case Health():
                self.health = payload
            case Info(previous_session=str(session), previous_last_sequence=int(last)):
                self.sequences.ended(session, last)
        return None


@dataclass
class Board:
    """All devices below one base topic."""

    base: str
    devices: dict[str, Device] = field(default_factory=dict)
    recent: list[FaceEvent] = field(default_factory=list)
    strange: int = 0
    """Messages that are not in the contract's form."""

    def hear(self, message: Message) -> FaceEvent | None:
        """Take in a message.

        Returns:
            The event in it, where it holds one that was not heard before.
        """
        name, _, last = message.topic.removeprefix(f"{self.base}/").rpartition("/")
        if "/" in name or last not in {"availability", *PAYLOADS}:
            return None  # none of ours, or of a later version
        if last == "availability":
            self._device(name, message).available(message)
            return None
        try:
            payload: Payload | None = PAYLOADS[last].model_validate_json(message.payload)
        except ValidationError:
            payload = None
        if payload is None or not plausible(payload):
            self.strange += 1
            return None
        event = self._device(name, message).take(payload, message)
        if event:
            self.recent = [*self.recent, event][-_RECENT:]
        return event

    @property
    def timelines(self) -> dict[str, Timeline]:
        """The timelines by device."""
        return {name: device.timeline for name, device in self.devices.items()}

    def forget(self, before: datetime) -> None:
        """Drop what the timelines hold of the time before."""
        for device in self.devices.values():
            device.timeline.forget(before - device.clock_off)

    def _device(self, name: str, message: Message) -> Device:
        return self.devices.setdefault(name, Device(message.heard_at))
