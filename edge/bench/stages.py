"""How long each stage of the pipeline takes. The stopwatches are around its parts, none is within them."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from edge.bench.report import StageReport
from edge.vision.flow import Flow
from edge.vision.motion import Motion

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.inference.card import Card
    from edge.inference.classifier import Classifier
    from edge.inference.outputs import Predictions
    from edge.vision.detector import Detector, SearchPart
    from edge.vision.flow import Followed, Template


STAGES = ("capture", "detect", "track", "classify", "publish")
"""In the order in which a frame goes through them."""

PROCESSING = STAGES[1:]
"""All that is done with a frame once it is read."""


class Stages:
    """Collects durations by stage."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._laps_ms: dict[str, list[float]] = defaultdict(list)
        self._open_ms: dict[str, float] = defaultdict(float)

    def timed(self, stage: str) -> _Stopwatch:
        """Return a context that adds the time within to the stage's share of the current frame."""
        return _Stopwatch(self._clock, self._open_ms, stage)

    def end_frame(self) -> None:
        """Close the current frame: `track` is what the whole step, timed as such, took beyond the parts within it."""
        laps = dict(self._open_ms)
        laps["track"] -= laps.get("detect", 0.0) + laps.get("classify", 0.0)
        for stage, spent_ms in laps.items():
            self._laps_ms[stage].append(spent_ms)
        self._open_ms.clear()

    def spent_s(self, *stages: str) -> float:
        """Return the sum over all frames of these stages."""
        return sum(sum(self._laps_ms[stage]) for stage in stages) / 1000

    def overhead(self) -> float:
        """Return the share of the time of all stages but `capture` that is neither `detect` nor `classify`."""
        return self.spent_s("track", "publish") / max(self.spent_s(*PROCESSING), 1e-9)

    def report(self) -> dict[str, StageReport]:
        """Return percentiles per stage, in the order in which a frame goes through them."""
        return {stage: _percentiles(self._laps_ms[stage]) for stage in STAGES}


def _percentiles(laps_ms: list[float]) -> StageReport:
    if not laps_ms:
        return StageReport(count=0, p50_ms=None, p95_ms=None, p99_ms=None, max_ms=None)
    p50, p95, p99, most = np.percentile(laps_ms, (50, 95, 99, 100)).round(3).tolist()
    return StageReport(count=len(laps_ms), p50_ms=p50, p95_ms=p95, p99_ms=p99, max_ms=most)


class _Stopwatch:
    """Adds the milliseconds of a block to a stage; a generator as context manager would take as long as a small one."""

    __slots__ = ("_clock", "_laps_ms", "_stage", "_start")

    def __init__(self, clock: Callable[[], float], laps_ms: dict[str, float], stage: str) -> None:
        self._clock, self._laps_ms, self._stage = clock, laps_ms, stage

    def __enter__(self) -> None:
        self._start = self._clock()

    def __exit__(self, *raised: object) -> None:
        self._laps_ms[self._stage] += (self._clock() - self._start) * 1000


class TimedDetector:
    """A detector whose time is stage `detect`."""

    def __init__(self, detector: Detector, stages: Stages) -> None:
        self._detector, self._stages = detector, stages

    def search(self, gray: NDArray[np.uint8], part: SearchPart | None = None) -> list[Rect]:
        """Search the whole frame or a part of it."""
        with self._stages.timed("detect"):
            return self._detector.search(gray, part)

    def search_near(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        """Search near a face."""
        with self._stages.timed("detect"):
            return self._detector.search_near(gray, face, tilt)

    def search_around(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        """Search around a lost face."""
        with self._stages.timed("detect"):
            return self._detector.search_around(gray, face, tilt)


class TimedFlow(Flow):
    """Flow whose time is stage `detect`."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def template(self, gray: NDArray[np.uint8], face: Rect, tilt: float, time_s: float) -> Template:
        """Return a face's template."""
        with self._stages.timed("detect"):
            return super().template(gray, face, tilt, time_s)

    def follow(self, before: Template, gray: NDArray[np.uint8], expected: Rect, tilt: float) -> Followed | None:
        """Return where the face of a template is."""
        with self._stages.timed("detect"):
            return super().follow(before, gray, expected, tilt)


class TimedMotion(Motion):
    """Motion whose time is stage `detect`: deciding where to search is part of finding faces."""

    def __init__(self, face: int, stages: Stages) -> None:
        super().__init__(face)
        self._stages = stages

    def update(self, gray: NDArray[np.uint8]) -> None:
        """Compare with the next frame."""
        with self._stages.timed("detect"):
            super().update(gray)

    def mark_searched(self, rect: Rect) -> None:
        """Record that a rectangle was searched."""
        with self._stages.timed("detect"):
            super().mark_searched(rect)

    def regions(self, known: list[Rect]) -> list[Rect]:
        """Return where to search."""
        with self._stages.timed("detect"):
            return super().regions(known)


class TimedClassifier:
    """A classifier whose time is stage `classify`."""

    def __init__(self, classifier: Classifier, stages: Stages) -> None:
        self._classifier, self._stages = classifier, stages

    @property
    def card(self) -> Card:
        """The classifier's card."""
        return self._classifier.card

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        """Classify ``(N, H, W)`` crops."""
        with self._stages.timed("classify"):
            return self._classifier.read(faces)
