"""What the page is told once a second: the camera, the stages, the last ten minutes, and what to do."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge import __version__
from edge.palette import colour
from edge.preview.hints import HintFinder
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
        self._hint_finder: tuple[int, HintFinder] | None = None

    def newest(self, monotonic: Callable[[], float] = time.monotonic) -> bytes:
        """Return the record of now, or one that is less than a second old."""
        with self._lock:
            now_s = monotonic()
            if now_s - self._made[0] >= EVERY_S / 2:
                self._made = now_s, record(self._message(now_s))
            return self._made[1]

    def _message(self, now_s: float) -> dict[str, Any]:
        camera, model, feed = self.camera, self.model, self._feed
        spans = feed.history.spans(now_s)
        names = dict.fromkeys((*model.labels, "uncertain", *(span.emotion for span in spans)))
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
                "per_second": round(feed.stage_times.per_second(now_s), 1),
            },
            "closes_in_s": round(max(0.0, self._closes_s - now_s), 1),
            "stages": feed.stage_times.stages(),
            "hints": [_hint(hint) for hint in self._hints(now_s)],
            "window_s": WINDOW_S,
            "timeline": [
                [each.face, each.emotion, round(now_s - each.begin_s, 2), round(now_s - (each.end_s or now_s), 2)]
                for each in spans
            ],
        }

    def _hints(self, now_s: float) -> list[Hint]:
        encoded, least = self._feed.newest(), self.model.min_height
        if encoded is None or self.camera.status != "online":
            return []
        if self._hint_finder is None or self._hint_finder[0] != least:
            self._hint_finder = least, HintFinder(least)
        return self._hint_finder[1].hints(encoded.gray, encoded.snapshot, now_s)


def _hint(hint: Hint) -> dict[str, Any]:
    box = hint.box
    sides = box and [round(side, 1) for side in (box.x, box.y, box.width, box.height)]
    return {"text": hint.text, "box": sides, "nobody": hint.nobody}
