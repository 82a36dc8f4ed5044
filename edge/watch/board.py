"""What is known of each device, from the messages that were heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from edge.events import PAYLOADS, CameraStatus, FaceEvent, Health, State

if TYPE_CHECKING:
    from datetime import datetime

COLOURS = {
    "angry": "red",
    "contempt": "magenta",
    "disgust": "green",
    "fear": "dark_orange",
    "happy": "yellow",
    "neutral": "white",
    "sad": "blue",
    "surprise": "cyan",
}

_RECENT = 5
"""Events that are shown below the table."""


@dataclass
class Device:
    """One device, as its topics tell it."""

    availability: str = "?"
    state: State | None = None
    camera: CameraStatus | None = None
    health: Health | None = None
    events: int = 0
    lost: int = 0
    """Sequence numbers that were passed over while we listened."""

    _session: str = ""
    _sequence: int = -1

    def count(self, event: FaceEvent) -> None:
        """Take in an event; a repeated one counts once, a gap counts as lost."""
        if event.session != self._session:
            self._session, self._sequence = event.session, event.sequence - 1
        if event.sequence > self._sequence:
            self.events += 1
            self.lost += event.sequence - self._sequence - 1
            self._sequence = event.sequence


@dataclass
class Board:
    """All devices below one base topic."""

    base: str
    devices: dict[str, Device] = field(default_factory=dict)
    recent: list[FaceEvent] = field(default_factory=list)
    strange: int = 0
    """Messages that are not in the contract's form."""

    def hear(self, topic: str, payload: bytes) -> None:
        """Take in a message."""
        name, _, last = topic.removeprefix(f"{self.base}/").rpartition("/")
        if "/" in name or last not in {"availability", *PAYLOADS}:
            return  # none of ours, or of a later version
        device = self.devices.setdefault(name, Device())
        if last == "availability":
            device.availability = payload.decode(errors="replace")
            return
        try:
            message = PAYLOADS[last].model_validate_json(payload)
        except ValidationError:
            self.strange += 1
            return
        match message:
            case FaceEvent():
                device.count(message)
                self.recent = [*self.recent, message][-_RECENT:]
            case State():
                device.state = message
            case CameraStatus():
                device.camera = message
            case Health():
                device.health = message

    def table(self, now: datetime) -> Table:
        """Draw what is known, for a terminal."""
        result = Table(title=Text(f"{self.base}/+"), title_justify="left", expand=True)
        for column in ("device", "", "camera", "who", "emotion", "confidence", "since"):
            result.add_column(column)
        for column in ("events", "lost", "frames/s", "latency ms"):
            result.add_column(column, justify="right")
        for name, device in sorted(self.devices.items()):
            self._add(result, name, device, now)
        lines = [_line(event) for event in self.recent]
        if self.strange:
            lines.append(Text(f"{self.strange} messages are not in the contract's form", style="red"))
        result.caption = Text("\n").join(lines)
        result.caption_justify = "left"
        return result

    @staticmethod
    def _add(table: Table, name: str, device: Device, now: datetime) -> None:
        faces = device.state.faces if device.state else ()
        emotions = Text("\n").join(coloured(face.emotion) for face in faces)
        lost = Text(str(device.lost), style="red" if device.lost else "")
        health = device.health
        latency = health.latency.p50_ms if health else None
        table.add_row(
            Text(name + (" (synthetic)" if device.state and device.state.synthetic else "")),
            Text(device.availability, style="green" if device.availability == "online" else "red"),
            device.camera.status if device.camera else "?",
            "\n".join(f"face {face.id}" for face in faces) or "nobody",
            emotions,
            "\n".join(f"{face.confidence:.0%}" for face in faces),
            "\n".join(f"{max(0.0, (now - face.since).total_seconds()):.0f} s" for face in faces),
            str(device.events),
            lost,
            f"{health.frames.per_second:.1f}" if health else "?",
            "?" if latency is None else f"{latency:.0f}",
        )


def coloured(emotion: str) -> Text:
    """Give an emotion in its colour."""
    return Text(emotion, style=COLOURS.get(emotion, "dim"))


def _line(event: FaceEvent) -> Text:
    what = {"appeared": "appeared", "changed": f"{event.previous} to", "gone": "is gone, last"}[event.type]
    when = event.captured_at.strftime("%H:%M:%S")
    return Text.assemble(f"{when} {event.device} face {event.face.id} {what} ", coloured(event.emotion))
