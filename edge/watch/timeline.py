"""One device over time: which face had which emotion when, and when nothing is known."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.wire.messages import Box, FaceEvent, State

_SAME = timedelta(seconds=1)
"""A state and an event that are at most this far apart describe the same change."""


MOST_FACES = 100
"""Faces of a device at once; of more, the one that was seen longest ago counts as gone."""


class Gap(Enum):
    """Why there is no emotion."""

    NOBODY = "nobody"
    OFFLINE = "offline"
    NO_CAMERA = "no camera"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Span:
    """An emotion, or none, from one moment to the next."""

    begin: datetime
    end: datetime
    what: str | Gap


@dataclass
class FaceTimeline:
    """One face, from its first emotion to its end."""

    face: int
    area: int
    """Of its newest box, in pixels: the device shows its largest face."""

    seen: datetime
    """When it was last seen."""

    steps: list[tuple[datetime, str]] = field(default_factory=list)
    """Each emotion with the time it began, in order."""

    end: datetime | None = None

    def step(self, at: datetime, emotion: str) -> None:
        """Add an emotion's beginning, once. They may come in any order."""
        if not any(known == emotion and abs(at - when) <= _SAME for when, known in self.steps[-8:]):
            insort(self.steps, (at, emotion))

    def spans(self, begin: datetime, end: datetime) -> Iterator[Span]:
        """Yield its emotions within a time, in order."""
        last = end if self.end is None else min(end, self.end)
        if last <= begin:
            return
        ends = [*(at for at, _ in self.steps[1:]), last]
        for (at, emotion), until in zip(self.steps, ends, strict=True):
            if max(at, begin) < min(until, last):
                yield Span(max(at, begin), min(until, last), emotion)


@dataclass
class Timeline:
    """What is known of one device, in its own time."""

    tracks: dict[tuple[str, int], FaceTimeline] = field(default_factory=dict)
    """By session and face."""

    losses: list[tuple[datetime, int]] = field(default_factory=list)
    """The time of the first event after each gap in the sequence, and how many events are missing."""

    begin: datetime | None = None
    """The first moment that is known."""

    _present: dict[tuple[str, int], FaceTimeline] = field(default_factory=dict)
    """The tracks without an end."""

    _idle_since: datetime | None = None
    """When the last face left, or the last gap ended."""

    _gaps: list[Span] = field(default_factory=list)
    _open: dict[Gap, datetime] = field(default_factory=dict)

    def event(self, event: FaceEvent, lost: int = 0) -> None:
        """Apply a transition that was not received before, and how many were lost before it."""
        at, key = event.captured_at, (event.session, event.face.id)
        self._known_from(at)
        if lost:
            self.losses.append((at, lost))
        self._end_earlier_sessions(event.session)
        track = self.tracks.get(key)
        if track is None:
            if event.type == "gone":
                return  # we were not subscribed when it began
            track = self._track(key, event.face.box, at)
            if event.previous and event.lasted_s is not None:
                track.step(at - timedelta(seconds=event.lasted_s), event.previous)
        track.area, track.seen = _area(event.face.box), max(track.seen, at)
        if event.type == "gone":
            self._end(key, at)
            return
        track.step(at, event.emotion)
        if track.end is not None and track.end < at:
            self._reopen(key)

    def state(self, state: State) -> None:
        """Apply a state: it corrects what lost events left wrong."""
        at = state.captured_at
        self._known_from(min([at, *(face.since for face in state.faces)]))
        self._end_earlier_sessions(state.session)
        there = {(state.session, face.id): face for face in state.faces}
        for key, face in there.items():
            track = self.tracks.get(key) or self._track(key, face.box, at)
            if not track.steps or track.steps[-1][1] != face.emotion:
                track.step(face.since, face.emotion)
            track.area, track.seen = _area(face.box), max(track.seen, at)
            self._reopen(key)
        for key, track in list(self._present.items()):
            if key not in there and track.seen < at:
                self._end(key, at)

    def begin_gap(self, gap: Gap, at: datetime) -> None:
        """Note that from this time on the device or its camera is away."""
        self._known_from(at)
        self._open[gap] = min(at, self._open.get(gap, at))
        for key, track in list(self._present.items()):
            self._end(key, max(self._open[gap], track.seen))

    def end_gap(self, gap: Gap, at: datetime) -> None:
        """Note that the device or its camera is back. Faces follow with the next state or event."""
        if begin := self._open.pop(gap, None):
            self._gaps.append(Span(begin, max(begin, at), gap))
            self._idle_since = at

    @property
    def idle_since(self) -> datetime | None:
        """Since when nobody is there, or the device or its camera is away; None if nothing is known."""
        return min(self._open.values(), default=self._idle_since or self.begin)

    def is_present(self, session: str, face: int) -> bool:
        """Return whether a face is there now, as far as is known."""
        return (session, face) in self._present

    def gaps(self, end: datetime) -> list[Span]:
        """Return when the device or its camera was away."""
        return [*self._gaps, *(Span(begin, end, gap) for gap, begin in self._open.items() if begin < end)]

    def spans(self, begin: datetime, end: datetime) -> list[Span]:
        """Return what filled each moment: the largest face's emotion, or why there is none."""
        seen = [(span, track.area) for track in self.tracks.values() for span in track.spans(begin, end)]
        gaps = self.gaps(end)
        edges = {begin, end, *(edge for span, _ in seen for edge in (span.begin, span.end))}
        edges |= {edge for gap in gaps for edge in (gap.begin, gap.end) if begin < edge < end}
        if self.begin and begin < self.begin < end:
            edges.add(self.begin)
        waiting = sorted(seen, key=lambda face: face[0].begin, reverse=True)
        there: list[tuple[Span, int]] = []
        result: list[Span] = []
        for start, stop in pairwise(sorted(edges)):
            while waiting and waiting[-1][0].begin <= start:
                there.append(waiting.pop())
            there = [face for face in there if face[0].end > start]
            # A face outweighs an absence: a device without a broker goes on, and sends its events later.
            away = [gap.what for gap in gaps if gap.begin <= start < gap.end]
            nobody = Gap.NOBODY if self.begin and self.begin <= start else Gap.UNKNOWN
            what = max(there, key=lambda face: face[1])[0].what if there else (away or [nobody])[0]
            if result and result[-1].what == what:
                start = result.pop().begin  # noqa: PLW2901  # one span, not two that touch
            result.append(Span(start, stop, what))
        return result

    def prune(self, before: datetime) -> None:
        """Drop what ended before that time."""
        self.tracks = {key: track for key, track in self.tracks.items() if not track.end or track.end >= before}
        for track in self.tracks.values():  # a face may stay all day
            over = bisect_right(track.steps, before, key=lambda step: step[0])
            del track.steps[: max(0, over - 1)]
        self.losses = [(at, lost) for at, lost in self.losses if at >= before]
        self._gaps = [gap for gap in self._gaps if gap.end >= before]

    def _known_from(self, at: datetime) -> None:
        self.begin = min(self.begin or at, at)

    def _track(self, key: tuple[str, int], box: Box, at: datetime) -> FaceTimeline:
        if len(self._present) >= MOST_FACES:  # none of ours has so many: somebody else publishes
            oldest = min(self._present, key=lambda face: self._present[face].seen)
            self._end(oldest, self._present[oldest].seen)
        self.tracks[key] = self._present[key] = FaceTimeline(key[1], _area(box), at)
        return self.tracks[key]

    def _end(self, key: tuple[str, int], at: datetime) -> None:
        self.tracks[key].end = at
        self._idle_since = max(self._idle_since or at, at)
        self._present.pop(key, None)

    def _reopen(self, key: tuple[str, int]) -> None:
        self.tracks[key].end = None
        self._present[key] = self.tracks[key]

    def _end_earlier_sessions(self, session: str) -> None:
        """End the faces of earlier sessions at the time they were last seen."""
        for key, track in list(self._present.items()):
            if key[0] < session:
                self._end(key, track.seen)


def _area(box: Box) -> int:
    return box.width * box.height
