"""When a candidate is confirmed, and when a track ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.geometry import Rect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.vision.track import Track

CONFIRM_HITS = 3
"""Frames that a candidate must be found in to be confirmed."""

SURE_HITS = 2
"""The same for one with a high face score, `SURE_SCORE`."""

CHEST_HITS = 5
"""The same for one on the chest of a person who is tracked: prints on shirts are taken for faces now and then, but who
sits before somebody nearly always. No more than `REJECT_HITS`, or nobody there would ever be confirmed."""

SURE_SCORE = 0.95
"""Face score from which `SURE_HITS` are enough, and a candidate counts as found though a fine search does not find it:
98 in 100 of FER+'s faces have it, and none of the cascade's hits in synthetic rooms."""

STILL = 0.5
"""Part of a face that may differ from the frame before, if it is to be confirmed in the frame in which it is found, by
`SURE_SCORE` in every view. Of one that walks nobody knows yet where to, and it would be lost and get another id."""

_HYSTERESIS = 0.5
"""Part of the least face score below which a confirmed face is gone. It keeps its track in between, so that neither a
hand before the mouth nor a score that trembles at the limit makes it go and come."""

REJECT_HITS = 2 * CONFIRM_HITS
"""Frames after which a candidate that is found, but whose face score is too low, is removed."""

CANDIDATE_LOST_S = 0.8
"""Seconds after which a candidate that is not found any more is removed."""

LOST_S = 1.5
"""Seconds after which a confirmed face that is not found any more is gone; a hand before the mouth is shorter."""


def hits_needed(candidate: Track, tracks: Iterable[Track], *, scored: bool) -> int:
    """Return the number of frames that a candidate must be found in to be confirmed.

    Args:
        candidate: The track.
        tracks: All tracks.
        scored: Whether the model has a face output.
    """
    if any(chest(track.rect).contains(candidate.rect.centre) for track in tracks if track.confirmed):
        return CHEST_HITS
    return SURE_HITS if scored and candidate.face_score >= SURE_SCORE else CONFIRM_HITS


def is_kept(track: Track, time_s: float, min_score: float) -> bool:
    """Return whether a track goes on after the frame of that time.

    Args:
        track: A candidate or a confirmed face.
        time_s: When the frame was captured.
        min_score: Minimum face score, 0 to 1.
    """
    if track.confirmed:
        return time_s - track.seen_s < LOST_S and track.face_score >= _HYSTERESIS * min_score
    return time_s - track.seen_s < CANDIDATE_LOST_S and track.hits < REJECT_HITS


def chest(face: Rect) -> Rect:
    """Return where the chest of a face's person is, as wide as two heads."""
    return Rect(face.x - face.width / 2, face.y + 1.2 * face.height, 2 * face.width, 2.5 * face.height)
