"""What `edge` makes of a track's readings without any memory in the network, by its own code.

A track is read in one of `edge.vision.views.VIEWS` a frame, and in all of them in the first; the mean of the newest
readings of all views goes through `edge.pipeline.smoothing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.config import EmotionConfig
from edge.geometry import Rect
from edge.pipeline.smoothing import EmotionSmoother
from edge.vision.reader import Reading
from edge.vision.track import Track

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.vision.views import View


def reading_plan(frames: int, fps: float) -> tuple[tuple[View, ...], ...]:
    """Return the views in which `edge` reads each frame of a face that moves."""
    track, plan = _track(), []
    for frame in range(frames):
        track.changed_s = frame / fps
        plan.append(track.next_views)
        for view in plan[-1]:
            track.update_reading(view, Reading(np.empty(0, np.float32)), frame / fps)
    return tuple(plan)


def smooth(
    readings: NDArray[np.float32], plan: Sequence[Sequence[View]], labels: tuple[str, ...], fps: float
) -> tuple[NDArray[np.float32], list[str]]:
    """Return what is known of one track after each frame.

    Args:
        readings: ``(R, C)`` probabilities, in the order of the plan.
        plan: The views of each frame, as of `reading_plan`.
        labels: The ``C`` emotions.
        fps: Frames a second.

    Returns:
        ``(T, C)`` smoothed probabilities, and the published emotion of each frame, which a new one replaces after
        the `hold_s` that `edge` has by default. No emotion is uncertain here, unless two are equally probable.
    """
    track, following = _track(), iter(readings)
    smoother: EmotionSmoother | None = None
    smoothed, published = [], []
    for frame, views in enumerate(plan):
        time_s = frame / fps
        for view in views:
            track.update_reading(view, Reading(next(following)), time_s)
        if smoother is None:
            smoother = EmotionSmoother(
                labels, track.probabilities, time_s, min_confidence=0.0, hold_s=EmotionConfig().hold_s
            )
        else:
            smoother.update(track.probabilities, time_s)
        smoothed.append(list(smoother.probabilities.values()))
        published.append(smoother.emotion)
    return np.array(smoothed, np.float32), published


def _track() -> Track:
    return Track(Rect(0, 0, 48, 48), since_s=0.0, seen_s=0.0, found_s=0.0)
