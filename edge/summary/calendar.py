"""Where hours and days begin, in UTC and in the machine's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Literal

Zone = Literal["utc", "local"]
Span = Literal["hour", "day"]

SPANS: tuple[tuple[Zone, Span], ...] = (("utc", "hour"), ("utc", "day"), ("local", "hour"), ("local", "day"))

_HOUR = timedelta(hours=1)


def begin(at: datetime, zone: Zone, span: Span) -> datetime:
    """Return when the hour or the day of a moment began.

    Args:
        at: The moment, with a time zone.
        zone: Whose hours and days; a local day has 23 or 25 hours where the clock is changed.
        span: An hour or a day.
    """
    there = at.astimezone(UTC if zone == "utc" else None)
    if span == "hour":
        return there.replace(minute=0, second=0, microsecond=0)
    midnight = datetime.combine(there.date(), time())
    # Not with the offset of the moment: the clock may have been changed since midnight.
    return midnight.replace(tzinfo=UTC) if zone == "utc" else midnight.astimezone()


def next_begin(at: datetime) -> datetime:
    """Return when the next hour begins after a moment, in UTC or locally; no day begins in between."""
    return min(begin(at, zone, "hour") + _HOUR for zone in ("utc", "local"))
