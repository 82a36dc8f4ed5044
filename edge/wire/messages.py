"""What goes over the wire: frozen types, their JSON and their JSON Schema.

Changing one of these is a breaking change of the contract with subscribers.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from edge.frozen import FrozenModel
from edge.wire.fields import Probability, Seconds, Text, Timestamp, is_none

UNCERTAIN = "uncertain"
"""The emotion of a face that no label is probable enough for."""

LONGEST_NAME = 100
"""Characters of an emotion, a device or a session."""

MOST_LABELS = 1000
"""Of a model."""


def _is_false(value: object) -> bool:
    return value is False


class Payload(FrozenModel):
    """A whole message."""

    version: Literal[1] = Field(default=1, alias="schema", description="Version of this payload's schema")
    device: str = Field(description="The device's name, as in its topics")
    session: str = Field(description="ULID of this run of the daemon")
    synthetic: bool = Field(
        default=False, exclude_if=_is_false, description="True when the test card caused this; absent otherwise"
    )

    def to_json(self) -> str:
        """Return the JSON text that goes over the wire."""
        return self.model_dump_json()

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the text that `to_json` returns."""
        schema = cls.model_json_schema(mode="serialization")
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


class Box(FrozenModel):
    """A rectangle in a frame, in pixels; (0, 0) is the top left corner."""

    x: int
    y: int
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class FrameSize(FrozenModel):
    """The size of the frame that a box lies in, in pixels."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Face(FrozenModel):
    """Which face, and where."""

    id: int = Field(ge=1, description="Counts faces within a session")
    box: Box
    frame: FrameSize


class FaceEvent(Payload):
    """A transition of one face: it appeared, its emotion changed, it is gone."""

    type: Literal["appeared", "changed", "gone"]
    sequence: int = Field(ge=0, description="Counts this session's events from 0 without a gap")
    captured_at: Timestamp = Field(description="When the frame was captured")
    face: Face
    emotion: str = Field(description="One of the model's labels, or 'uncertain'; of a face that is gone, its last")
    confidence: Probability = Field(
        description="Smoothed probability of that emotion; of the most probable one while it is 'uncertain'"
    )
    previous: str | None = Field(default=None, exclude_if=is_none, description="The emotion before; only of 'changed'")
    lasted_s: Seconds | None = Field(
        default=None,
        exclude_if=is_none,
        description="How long the previous emotion lasted, or of 'gone' the whole track",
    )
    probabilities: dict[str, Probability] | None = Field(
        default=None, exclude_if=is_none, description="Smoothed probability per label; not of 'gone'"
    )


class StateFace(FrozenModel):
    """One face that is there now."""

    id: int = Field(ge=1)
    box: Box
    emotion: str
    confidence: Probability
    since: Timestamp = Field(description="Since when it has this emotion")


class State(Payload):
    """Who is there now; retained."""

    captured_at: Timestamp = Field(description="When the newest frame that this describes was captured")
    frame: FrameSize | None = Field(description="Size of that frame")
    emotion: str | None = Field(description="Emotion of the largest face; null with nobody there")
    confidence: Probability | None
    faces: tuple[StateFace, ...] = Field(description="Largest first")


class CameraStatus(Payload):
    """How the camera is; retained."""

    status: Literal["online", "stalled", "offline", "off"]
    reason: Text | None = Field(description="What happened, for a person")
    since: Timestamp


class FrameCounts(FrozenModel):
    """Frames since the start."""

    captured: int = Field(ge=0)
    dropped: int = Field(ge=0, description="Captured, but replaced by a newer one before they were processed")
    processed: int = Field(ge=0)
    per_second: float = Field(ge=0, description="Processed, over the last period")
    limit_per_second: float | None = Field(
        default=None, description="Maximum while the machine is throttled; null: all that come"
    )
    age_p95_ms: float | None = Field(
        default=None,
        description="From capture to the beginning of processing, of a live camera's newest frames; null: none yet",
    )


class Latency(FrozenModel):
    """Capture to broker's acknowledgement, over the newest events."""

    p50_ms: float | None
    p95_ms: float | None


class OutboxHealth(FrozenModel):
    """Events on their way to the broker."""

    depth: int = Field(ge=0, description="Not acknowledged yet")
    dropped: int = Field(
        ge=0, description="Given up: too many, too old, too large for the broker, or lost with the file"
    )
    for_other_brokers: int = Field(
        default=0, ge=0, description="Kept, and not sent, until the broker that they are for is configured again"
    )


class BrokerHealth(FrozenModel):
    """The connection to the broker."""

    reconnects: int = Field(ge=0)
    refused: Text | None = Field(description="Why the broker last refused, in plain words; null once it accepts")
    conflicts: int = Field(
        default=0,
        ge=0,
        description="How often another client with the same id took the connection over, and other daemons that "
        "published to this device's topics, since the start",
    )


class HookCounts(FrozenModel):
    """What was made of the events that hooks are for, since the start."""

    run: int = Field(ge=0, description="Hooks that ran to their end, or failed")
    failed: int = Field(ge=0, description="Of these, could not run, took too long, or reported a failure")
    dropped: int = Field(ge=0, description="Events for which a hook did not run, because too many waited")


class Health(Payload):
    """Device health; retained."""

    sent_at: Timestamp
    machine_uptime_s: Seconds = Field(description="Since the machine's boot")
    daemon_uptime_s: Seconds = Field(description="Since the start of this session")
    temperature_c: float | None = Field(description="Of the processor; null where the machine does not tell")
    throttled_now: bool | None
    throttled_since_boot: bool | None
    rss_mb: float = Field(ge=0, description="Resident memory of the daemon")
    frames: FrameCounts
    latency: Latency
    outbox: OutboxHealth
    broker: BrokerHealth
    hooks: HookCounts = HookCounts(run=0, failed=0, dropped=0)
    commands_ignored: int = Field(
        default=0, ge=0, description="Retained, malformed, oversized and unknown commands since the start"
    )


class InfoModel(FrozenModel):
    """The model that is running."""

    name: str
    version: str
    sha256: str
    labels: tuple[str, ...]


class InfoPreview(FrozenModel):
    """The preview that is open."""

    address: str = Field(description="Address and port that it listens on; 127.0.0.1 is for the device alone")
    token: bool = Field(description="Whether it asks for a token; always true beyond the device itself")
    closes_at: Timestamp


class Info(Payload):
    """What is running; retained."""

    software: str = Field(description="Version of emotion-edge")
    model: InfoModel
    runtime: str = Field(description="TFLite runtime and its version")
    camera: Text
    started_at: Timestamp
    previous_session: str | None = Field(default=None, description="The session before this one, if known")
    previous_last_sequence: int | None = Field(
        default=None,
        ge=0,
        description="Of that session's last event; null if it had none, or if a power cut took the record",
    )
    preview: InfoPreview | None = Field(
        default=None, exclude_if=is_none, description="The page that shows what the camera sees; absent unless open"
    )
