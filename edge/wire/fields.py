"""The kinds of values in messages: moments, seconds and probabilities, as precise as people need them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, PlainSerializer, WithJsonSchema

Timespec = Literal["milliseconds", "microseconds"]


def is_none(value: object) -> bool:
    """Return whether a field has no value, for `exclude_if`: then the message has no such key."""
    return value is None


def as_text(moment: datetime, timespec: Timespec) -> str:
    """Return a moment as ISO 8601 text, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def as_iso(timespec: Timespec) -> tuple[PlainSerializer, WithJsonSchema]:
    """Return what makes a field's moment UTC's ISO 8601 text."""

    def text(moment: datetime) -> str:
        return as_text(moment, timespec)

    schema = WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")
    return PlainSerializer(text, return_type=str), schema


def _unicode(text: object) -> object:
    """Return a text with ``?`` in place of each byte that is no UTF-8: the name of a file may have such."""
    return text.encode(errors="replace").decode() if isinstance(text, str) else text


Text = Annotated[str, BeforeValidator(_unicode)]
"""A text that may name a file."""

Timestamp = Annotated[AwareDatetime, *as_iso("milliseconds")]
"""A wall-clock time for people: UTC, ISO 8601, milliseconds."""

Probability = Annotated[float, Field(ge=0, le=1), AfterValidator(lambda p: round(p, 4))]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(lambda s: round(s, 3))]
