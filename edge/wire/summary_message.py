"""What the topic `summary` carries: hours and days in numbers, without anybody's identity."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer, WithJsonSchema

from edge.frozen import FrozenModel
from edge.wire.fields import Seconds, Timestamp, is_none
from edge.wire.messages import Payload

_MOST_MINUTES = 1e6
"""Of one emotion in a day, which has 1,440 for each face; more in a file that is read makes no sense."""


def _sensible(minutes: float) -> float:
    """Return minutes as precise as they are published.

    Raises:
        ValueError: Nobody can have counted so many.
    """
    if minutes > _MOST_MINUTES:
        message = f"must be at most {_MOST_MINUTES:g}"
        raise ValueError(message)
    return round(minutes, 2)


Minutes = Annotated[float, Field(ge=0), AfterValidator(_sensible)]

Moment = Annotated[
    AwareDatetime,
    PlainSerializer(lambda moment: moment.isoformat(timespec="seconds").replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""A wall-clock time with its offset from UTC, ISO 8601, seconds."""


class Period(FrozenModel):
    """An hour or a day: what was seen in it, so far or as a whole."""

    begin: Moment = Field(description="When it began, in UTC or in the device's local time")
    observed_minutes: Minutes = Field(description="For how long a camera was watched")
    present_minutes: Minutes = Field(description="For how long somebody was there")
    minutes: dict[str, Minutes] = Field(
        description="For how long faces showed each emotion that occurred; two faces count twice, "
        "so the sum may exceed present_minutes"
    )
    visits: int = Field(ge=0, description="Visits that began in it; one ends when nobody was there for 30 s")
    faces: int = Field(ge=0, description="Faces that appeared; one that turns away and comes back counts twice")
    longest_stay_s: Seconds = Field(description="Longest visit that went on in it, from its beginning; 0 without one")


class Periods(FrozenModel):
    """The hour and the day that go on, and the newest ones that are over."""

    hour: Period
    day: Period
    last_hour: Period | None = Field(default=None, exclude_if=is_none, description="Absent if none is known")
    last_day: Period | None = Field(default=None, exclude_if=is_none, description="Absent if none is known")


class SummaryMessage(Payload):
    """What was seen in hours and days; retained."""

    sent_at: Timestamp
    utc: Periods = Field(description="Hours and days of UTC")
    local: Periods = Field(description="Hours and days of the device's time zone")
