"""A room that is watched: frames and faces, and what a summary says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from edge.frame import Frame
from edge.geometry import Rect
from edge.pipeline import Appeared, Changed, Gone
from edge.summary import NullSummaryStore, Summary

if TYPE_CHECKING:
    from edge.pipeline import Transition
    from edge.summary import SummaryStore
    from edge.wire.summary_message import Period, SummaryMessage

GRAY = np.zeros((48, 64), np.uint8)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STAMP = {"device": "kitchen", "session": "01JD"}


class Room:
    """A camera's frames, two a second, and what happens in them."""

    def __init__(self, store: SummaryStore | None = None, at: datetime = NOON, *, synthetic: bool = False) -> None:
        self.at, self.time_s, self.synthetic = at, 1000.0, synthetic
        self.summary = Summary(store or NullSummaryStore(), at)
        self.summary.add(Frame(GRAY, at, self.time_s, 0), synthetic=synthetic)

    def watch(self, seconds: float) -> None:
        """Watch for some time."""
        for _ in range(int(seconds * 2)):
            self.time_s += 0.5
            self.at += timedelta(seconds=0.5)
            self.summary.turn(self.at)
            self.summary.add(Frame(GRAY, self.at, self.time_s, 0), synthetic=self.synthetic)

    def face(self, number: int, emotion: str | None, *, was: bool = False) -> None:
        """Have a face appear, change, or go."""
        self.summary.note([self.transition(number, emotion, was=was)])

    def transition(self, number: int, emotion: str | None, *, was: bool = False) -> Transition:
        """Return what the pipeline would say of it."""
        where = (self.at, (64, 48), number, Rect(0, 0, 9, 9))
        if emotion is None:
            return Gone(*where, "sad", 0.9, 1.0)
        if was:
            return Changed(*where, emotion, 0.9, {}, "sad", 1.0)
        return Appeared(*where, emotion, 0.9, {})

    @property
    def message(self) -> SummaryMessage:
        return self.summary.message(STAMP, self.at)

    @property
    def day(self) -> Period:
        return self.message.utc.day
