"""The last ten minutes: which face had which emotion, and when."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.pipeline import Gone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.pipeline import Transition

WINDOW_S = 600.0
"""Seconds that are kept."""

_MOST = 500
"""Spans that are kept, however short they are: 20 kB a second for each viewer."""


@dataclass(frozen=True)
class EmotionSpan:
    """A face had one emotion, from one moment to another."""

    face: int
    emotion: str
    begin_s: float
    end_s: float | None = None
    """None: it still has it."""


class EmotionHistory:
    """Makes spans of transitions. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over: deque[EmotionSpan] = deque(maxlen=_MOST)
        self._open: dict[int, EmotionSpan] = {}

    def note(self, transitions: Sequence[Transition], time_s: float) -> None:
        """Add what changed at a moment of the monotonic clock."""
        with self._lock:
            for transition in transitions:
                before = self._open.pop(transition.face_id, None)
                if before and before.begin_s < time_s:
                    self._over.append(replace(before, end_s=time_s))
                if not isinstance(transition, Gone):
                    self._open[transition.face_id] = EmotionSpan(transition.face_id, transition.emotion, time_s)

    def spans(self, time_s: float) -> list[EmotionSpan]:
        """Return what lies within `WINDOW_S` before a moment, and drop what is older."""
        with self._lock:
            while self._over and (self._over[0].end_s or time_s) < time_s - WINDOW_S:
                self._over.popleft()
            return [*self._over, *self._open.values()]
