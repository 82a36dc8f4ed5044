"""What is counted in one hour or day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from edge.wire.summary_message import Period

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

_MINUTE_S = 60.0


@dataclass
class PeriodCounts:
    """Seconds and numbers of one hour or day, so far."""

    begin: datetime
    observed_s: float = 0.0
    present_s: float = 0.0
    emotions_s: dict[str, float] = field(default_factory=dict)
    visits: int = 0
    faces: int = 0
    longest_s: float = 0.0

    def add(self, seconds: float, emotions: Collection[str]) -> None:
        """Add a time that was watched, in which faces with these emotions were there."""
        self.observed_s += seconds
        if emotions:
            self.present_s += seconds
        for emotion in emotions:
            self.emotions_s[emotion] = self.emotions_s.get(emotion, 0.0) + seconds

    def period(self) -> Period:
        """Return it as it is published."""
        return Period(
            begin=self.begin,
            observed_minutes=self.observed_s / _MINUTE_S,
            present_minutes=self.present_s / _MINUTE_S,
            minutes={emotion: spent_s / _MINUTE_S for emotion, spent_s in sorted(self.emotions_s.items())},
            visits=self.visits,
            faces=self.faces,
            longest_stay_s=self.longest_s,
        )

    @classmethod
    def of(cls, period: Period) -> Self:
        """Return what a published period counted."""
        return cls(
            begin=period.begin,
            observed_s=period.observed_minutes * _MINUTE_S,
            present_s=period.present_minutes * _MINUTE_S,
            emotions_s={emotion: minutes * _MINUTE_S for emotion, minutes in period.minutes.items()},
            visits=period.visits,
            faces=period.faces,
            longest_s=period.longest_stay_s,
        )
