"""What the page is told once a second: the camera, the stages, the last ten minutes, and what to do."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge import __version__
from edge.palette import colour
from edge.preview.hints import Aim
from edge.preview.history import WINDOW_S
from edge.preview.record import record

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.preview.feed import Feed
    from edge.preview.hints import Hint

EVERY_S = 1.0
"""Seconds between two records."""


@dataclass(frozen=True)
class CameraView:
    """How the camera is."""

    name: str
    status: str = "opening"
    """As in the topic `camera`; ``opening`` before the first frame."""

    reason: str | None = None
    synthetic: bool = False


@dataclass(frozen=True)
class ModelView:
    """What reads the faces."""

    name: str
    labels: tuple[str, ...]
    min_height: int
    """Pixels of the smallest face that is looked for."""


class StatusReport:
    """Makes the record, once for all viewers."""

    def __init__(self, feed: Feed, device: str, camera: CameraView, model: ModelView, closes_s: float) -> None:
        """Make nothing yet.

        Args:
            feed: What is reported on.
            device: Its name.
            camera: As it is at first; the daemon replaces it.
            model: As it is at first; the daemon replaces it.
            closes_s: When the preview closes by itself, on the monotonic clock.
        """
        self.camera, self.model = camera, model
        self._feed, self._device, self._closes_s = feed, device, closes_s
        self._lock = threading.Lock()
        self._made: tuple[float, bytes] = float("-inf"), b""
        self._aim: tuple[int, Aim] | None = None

    def newest(self, monotonic: Callable[[], float] = time.monotonic) -> bytes:
        """Return the record of now, or one that is less than a second old."""
        with self._lock:
            now_s = monotonic()
            if now_s - self._made[0] >= EVERY_S / 2:
                self._made = now_s, record(self._message(now_s))
            return self._made[1]

    def _message(self, now_s: float) -> dict[str, Any]:
        camera, model, feed = self.camera, self.model, self._feed
        stretches = feed.history.stretches(now_s)
        names = dict.fromkeys((*model.labels, "uncertain", *(stretch.emotion for stretch in stretches)))
        return {
            "kind": "status",
            "device": self._device,
            "version": __version__,
            "model": model.name,
            "min_height": model.min_height,
            "labels": list(model.labels),
            "colours": {name: colour(name) for name in names},
            "camera": {
                "name": camera.name,
                "status": camera.status,
                "reason": camera.reason,
                "synthetic": camera.synthetic,
                "per_second": round(feed.laps.per_second(now_s), 1),
            },
            "closes_in_s": round(max(0.0, self._closes_s - now_s), 1),
            "stages": feed.laps.stages(),
            "hints": [_hint(hint) for hint in self._hints(now_s)],
            "window_s": WINDOW_S,
            "timeline": [
                [each.face, each.emotion, round(now_s - each.begin_s, 2), round(now_s - (each.end_s or now_s), 2)]
                for each in stretches
            ],
        }

    def _hints(self, now_s: float) -> list[Hint]:
        shot, least = self._feed.newest(), self.model.min_height
        if shot is None or self.camera.status != "online":
            return []
        if self._aim is None or self._aim[0] != least:
            self._aim = least, Aim(least)
        return self._aim[1].hints(shot.gray, shot.snapshot, now_s)


def _hint(hint: Hint) -> dict[str, Any]:
    box = hint.box
    sides = box and [round(side, 1) for side in (box.x, box.y, box.width, box.height)]
    return {"text": hint.text, "box": sides, "nobody": hint.nobody}
