"""One face over time: where it is, where it goes, and what the model says of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.geometry import Rect
from edge.vision.views import VIEWS, View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.vision.flow import Followed, Template
    from edge.vision.reader import Reading

_POSITION_GAIN = 0.6
"""Part of the way that a track's rectangle moves toward each new detection; the cascade's boxes tremble."""

_ANCHOR_GAIN = 0.3
"""The same where flow says nearly the same: it trembles less."""

_AGREES = 0.7
"""Overlap from which a detection and flow say nearly the same."""

_ANCHOR_S = 0.3, 2.4
"""Least and most seconds from one detection of a face that is followed to the next; each that says nearly the same
doubles them, and any other begins anew."""

_VELOCITY_GAIN = 0.3
"""The same for its velocity, which trembles more."""

_COAST_S = 0.3
"""Seconds for which a face that is not found is predicted to move on as it did."""

_LEAST_S = 1e-3
"""Frames of a clip may carry the same time."""

_SCORES_KEPT = 10
"""Scores after which old ones fade: a second of readings."""


@dataclass(eq=False)
class Track:
    """One face over time."""

    rect: Rect
    since_s: float
    """Capture time of its first frame."""

    seen_s: float
    """Capture time of the newest frame that it was in."""

    found_s: float
    """Capture time of the newest frame that a search or flow found it in; in later frames nothing had changed there."""

    changed_s: float = float("-inf")
    """Capture time of the newest frame in which anything changed there."""

    visible: bool = True
    """Whether it was in the newest frame that the tracker got."""

    tilt: float = 0.0
    """Degrees by which the head leans, clockwise as one sees it."""

    hits: int = 1
    """Frames that a search found it in."""

    misses: int = 0
    """Searches since it was last found."""

    id: int = 0
    """From 1, in the order in which faces are confirmed; 0 before."""

    velocity: tuple[float, float] = (0.0, 0.0)
    """Pixels per second, to the right and down."""

    probabilities: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    """``(C,)`` of the emotions, as of the newest reading; ``(0,)`` before the first."""

    read_s: float = float("-inf")
    """Capture time of the frame of the newest reading."""

    face_score: float = 1.0
    """Probability that it is a face at all, averaged over the last readings; 1 if the model has no such output."""

    newest_score: float = 1.0
    """The last of these, alone."""

    template: Template | None = None
    """What flow follows; None before the first detection of a confirmed face."""

    anchored_s: float = float("-inf")
    """Capture time of the newest frame that a search found it in."""

    anchor_due_s: float = float("-inf")
    """Capture time from which on it is searched for again though flow follows it."""

    _scores: int = 0
    """How many readings are in the average."""

    _anchor_every_s: float = _ANCHOR_S[0]
    _views: dict[View, tuple[float, NDArray[np.float32]]] = field(default_factory=dict)
    """When each view was last read and its probabilities, the oldest first."""

    @property
    def speed(self) -> float:
        """In its widths a second."""
        return math.hypot(*self.velocity) / self.rect.width

    @property
    def confirmed(self) -> bool:
        """Whether the face counts."""
        return self.id > 0

    def predicted(self, time_s: float) -> Rect:
        """Return where it should be by then."""
        ahead_s = min(time_s - self.found_s, _COAST_S)
        return self.rect.moved(self.velocity[0] * ahead_s, self.velocity[1] * ahead_s)

    def rescale(self, right: float, down: float) -> None:
        """Move to where it is in frames that are `right` times as wide and `down` times as high as those before."""
        width, height = self.rect.width * down, self.rect.height * down
        x, y = self.rect.centre[0] * right - width / 2, self.rect.centre[1] * down - height / 2
        self.rect = Rect(x, y, width, height)
        self.velocity = self.velocity[0] * right, self.velocity[1] * down

    def anchor(self, found: Rect, tilt: float, time_s: float, followed: Followed | None = None) -> None:
        """Move to where a search found it.

        Args:
            found: Where.
            tilt: How far it leans there.
            time_s: Capture time of the frame.
            followed: Where flow says that it is; None: flow has lost it.
        """
        agrees = followed is not None and followed.rect.iou(found) >= _AGREES
        expected = followed.rect if followed else self.predicted(time_s)
        self._move(expected.moved_toward(found, _ANCHOR_GAIN if agrees else _POSITION_GAIN), tilt, time_s)
        self._anchor_every_s = min(2 * self._anchor_every_s, _ANCHOR_S[1]) if agrees else _ANCHOR_S[0]
        self.anchored_s, self.anchor_due_s = time_s, time_s + self._anchor_every_s
        self.hits += 1

    def postpone_anchor(self, time_s: float) -> None:
        """Record that no search found it there though it is believed to be; a hand may stay for a while."""
        self._anchor_every_s = min(2 * self._anchor_every_s, _ANCHOR_S[1] / 2)
        self.anchor_due_s = time_s + self._anchor_every_s

    def follow(self, followed: Followed, time_s: float) -> None:
        """Move to where flow says that it is."""
        self._move(followed.rect, followed.tilt, time_s)

    def _move(self, rect: Rect, tilt: float, time_s: float) -> None:
        elapsed_s, before = max(time_s - self.found_s, _LEAST_S), self.rect.centre
        self.rect = rect
        speed = [(new - old) / elapsed_s for new, old in zip(self.rect.centre, before, strict=True)]
        self.velocity = (
            self.velocity[0] + _VELOCITY_GAIN * (speed[0] - self.velocity[0]),
            self.velocity[1] + _VELOCITY_GAIN * (speed[1] - self.velocity[1]),
        )
        self.found_s = time_s
        self.tilt, self.misses = tilt, 0
        self.mark_visible(time_s)

    def mark_visible(self, time_s: float) -> None:
        """Record that it is in the newest frame."""
        self.seen_s, self.visible = time_s, True

    @property
    def next_views(self) -> tuple[View, ...]:
        """The views in which it is to be read next: all at first, then the oldest if anything changed since."""
        if len(self._views) < len(VIEWS):
            return VIEWS
        view, (read_s, _) = next(iter(self._views.items()))
        return (view,) if read_s <= self.changed_s else ()

    @property
    def is_settled(self) -> bool:
        """Whether all views were read and show the same emotion."""
        shown = {int(read.argmax()) for _, read in self._views.values() if read.size}
        return len(self._views) == len(VIEWS) and len(shown) == 1

    def update_reading(self, view: View, reading: Reading, time_s: float) -> None:
        """Record a reading of its crop in a view, in the frame of that time; its emotions are the mean of all views."""
        self._views.pop(view, None)
        self._views[view] = time_s, reading.probabilities
        self.probabilities = np.mean([read for _, read in self._views.values()], axis=0, dtype=np.float32)
        self.read_s = time_s
        if reading.face_score is not None:
            self.update_face_score(reading.face_score)

    def update_face_score(self, score: float) -> None:
        """Average a score in: the mean of the first `_SCORES_KEPT`, then an exponential average."""
        self.newest_score = score
        self._scores = min(self._scores + 1, _SCORES_KEPT)
        self.face_score += (score - self.face_score) / self._scores
