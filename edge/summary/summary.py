"""Counts what the pipeline reports, by hours and days."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from edge.pipeline import Appeared, Gone
from edge.summary.calendar import SPANS, begin, next_begin
from edge.summary.counts import PeriodCounts
from edge.wire.summary_message import SummaryMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from edge.frame import Frame
    from edge.pipeline import Transition
    from edge.summary.calendar import Span, Zone
    from edge.summary.store import SummaryStore

log = logging.getLogger(__name__)

SUMMARY_EVERY_S = 60.0
"""Seconds between two messages while somebody is there; one more when an hour is over."""

QUIET_EVERY_S = 600.0
"""The same while nobody is there."""

_LONGEST_GAP_S = 5.0
"""Between two frames, above which nobody knows what happened; a throttled Pi and a slow camera stay below."""

_VISIT_PAUSE_S = 30.0
"""Seconds without anybody until a visit is over: people turn away and come back."""

_CLOCK_STEP = timedelta(minutes=5)
"""By which the wall clock may go back within an hour or day that has begun; beyond it, it was wrong before."""

_CLOCK_WAIT = timedelta(hours=1)
"""For how long what was kept waits for a clock that is behind it; after a power cut NTP takes seconds, or minutes."""


class Summary:
    """Hours and days in numbers. Time comes with the frames, the hour from the wall clock.

    Frames do not decide the hour: a clip is read faster than it plays, so that its frames are dated ahead of the clock.
    """

    def __init__(self, store: SummaryStore, now: datetime) -> None:
        """Go on where the daemon's last run ended, as far as its hours and days go on.

        Args:
            store: What that run left.
            now: The wall-clock time.
        """
        self._store = store
        self._synthetic: bool | None = None
        """Whether a test card is counted; None until the first frame: then it is what was restored."""
        self._present: dict[int, str] = {}
        self._visit_s: tuple[float, float] | None = None
        """When the visit that goes on began, and when somebody was last there."""
        self._frame_s: float | None = None
        self._unsaved = False
        self.is_news = False
        """Whether somebody was there since the newest message."""
        self._now: dict[tuple[Zone, Span], PeriodCounts] = {}
        self._last: dict[tuple[Zone, Span], PeriodCounts] = {}
        self._known_from = self._known_until = now
        self._turned = False
        self._aside: SummaryMessage | None = None
        """What the last run left, while the clock is behind it."""
        self._aside_until = now + _CLOCK_WAIT
        if before := store.load():
            self._synthetic = before.synthetic
            if now + _CLOCK_STEP < before.sent_at:
                self._aside = before
                when = before.sent_at.isoformat(timespec="seconds")
                log.warning("the clock is behind the summary that was kept at %s, which waits an hour for it", when)
            else:
                self._restore(before)
        self._roll(now)
        self._turned = False

    @property
    def waits_for_clock(self) -> bool:
        """Whether the clock is behind what the last run left: nothing may be published, or kept in its place."""
        return self._aside is not None

    def add(self, frame: Frame, *, synthetic: bool) -> None:
        """Count the time since the frame before; call it before `note`.

        Args:
            frame: The next one.
            synthetic: Whether the test card drew it. What it shows is never added to what a camera saw.
        """
        if synthetic != self._synthetic:
            self._begin_source(synthetic=synthetic)
        since_s = frame.time_s - self._frame_s if self._frame_s is not None else 0.0
        self._frame_s = frame.time_s
        if not 0 < since_s <= _LONGEST_GAP_S:
            return
        for counted in self._now.values():
            counted.add(since_s, self._present.values())
        if self._present:
            self._unsaved = self.is_news = True
        self._follow_visit(frame.time_s)

    def follow(self, transitions: Sequence[Transition]) -> None:
        """Keep who is there, and count nothing."""
        for transition in transitions:
            if isinstance(transition, Gone):
                self._present.pop(transition.face_id, None)
            else:
                self._present[transition.face_id] = transition.emotion

    def note(self, transitions: Sequence[Transition]) -> None:
        """Count what changed with the newest frame."""
        self.follow(transitions)
        for counted in self._now.values():
            counted.faces += sum(isinstance(transition, Appeared) for transition in transitions)
        if self._frame_s is not None:
            self._follow_visit(self._frame_s)

    def turn(self, now: datetime) -> bool:
        """Begin another hour or day if it is time; return whether one began since the last call. Call it often."""
        if self._aside:
            self._settle(self._aside, now)
        if not self._known_from <= now < self._known_until:
            self._roll(now)
        turned, self._turned = self._turned, False
        return turned

    def message(self, stamp: Mapping[str, Any], now: datetime) -> SummaryMessage:
        """Return what is published.

        Args:
            stamp: Device and session.
            now: The wall-clock time.
        """
        self.is_news = False
        found: dict[str, dict[str, Any]] = {"utc": {}, "local": {}}
        for zone, span in SPANS:
            found[zone][span] = self._now[zone, span].period()
            last = self._last.get((zone, span))
            found[zone][f"last_{span}"] = last.period() if last else None
        return SummaryMessage.model_validate({**stamp, "synthetic": bool(self._synthetic), "sent_at": now, **found})

    def save(self, message: SummaryMessage, *, to_disk: bool) -> None:
        """Keep a message for the next start; on disk only if somebody was there since it was last there."""
        if self._store.save(message, to_disk=to_disk and self._unsaved):
            self._unsaved = False

    def _begin_source(self, *, synthetic: bool) -> None:
        if self._synthetic is not None:
            self._now = {key: PeriodCounts(counted.begin) for key, counted in self._now.items()}
            self._last, self._aside = {}, None
            self._present, self._visit_s, self._frame_s = {}, None, None
            self._turned = True
        self._synthetic = synthetic

    def _settle(self, aside: SummaryMessage, now: datetime) -> None:
        """Go on with what was set aside if the clock has come that far; drop it if the clock has not within an hour."""
        if now + _CLOCK_STEP >= aside.sent_at:
            self._restore(aside)
            self._roll(now)
        elif now < self._aside_until:
            return
        self._aside, self._turned = None, True

    def _restore(self, before: SummaryMessage) -> None:
        self._last = {}
        for zone, span in SPANS:
            periods = before.utc if zone == "utc" else before.local
            self._now[zone, span] = PeriodCounts.of(getattr(periods, span))
            if last := getattr(periods, f"last_{span}"):
                self._last[zone, span] = PeriodCounts.of(last)

    def _roll(self, now: datetime) -> None:
        for zone, span in SPANS:
            began = begin(now, zone, span)
            counted = self._now.get((zone, span))
            if counted is not None and (counted.begin == began or began < counted.begin <= now + _CLOCK_STEP):
                continue
            if counted is not None and counted.begin < began:
                self._last[zone, span] = counted
            elif counted is not None:  # the clock was wrong until now
                self._last.pop((zone, span), None)
                self._unsaved = True  # what is on disk is of the wrong time
            self._now[zone, span] = PeriodCounts(began)
            self._turned = True
        self._known_from = max(counted.begin for counted in self._now.values())
        self._known_until = next_begin(now)

    def _follow_visit(self, time_s: float) -> None:
        """Begin, prolong or end the visit that goes on."""
        began_s, seen_s = self._visit_s or (time_s, time_s)
        if self._present:
            if self._visit_s is None or time_s - seen_s > _VISIT_PAUSE_S:
                began_s = time_s
                for counted in self._now.values():
                    counted.visits += 1
                self._unsaved = self.is_news = True
            self._visit_s = began_s, time_s
            for counted in self._now.values():
                counted.longest_s = max(counted.longest_s, time_s - began_s)
        elif time_s - seen_s > _VISIT_PAUSE_S:
            self._visit_s = None
