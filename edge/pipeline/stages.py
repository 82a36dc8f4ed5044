"""How long each stage takes of a frame. The stopwatches are around the pipeline's parts, none is within them."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import nullcontext
from typing import TYPE_CHECKING

from edge.pipeline.pipeline import Pipeline
from edge.vision.flow import Flow
from edge.vision.motion import Motion

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from edge.config import EmotionConfig, FacesConfig
    from edge.frame import Frame
    from edge.geometry import Rect
    from edge.inference.card import Card
    from edge.inference.classifier import Classifier
    from edge.inference.outputs import Predictions
    from edge.pipeline.transitions import Transition
    from edge.vision.detector import Detector
    from edge.vision.flow import Followed, Template
    from edge.vision.parts import SearchPart

STAGES = ("capture", "detect", "track", "classify", "publish")
"""In the order in which a frame goes through them."""

_UNTIMED = nullcontext()


class StageClock:
    """Measures the stages of one frame after the other.

    Attributes:
        running: Whether it measures; where it does not, `timed` costs a tenth of a microsecond.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter, *, running: bool = True) -> None:
        self._clock = clock
        self._open_ms: dict[str, float] = defaultdict(float)
        self.running = running

    def timed(self, stage: str) -> AbstractContextManager[None]:
        """Return a context that adds the time within to the stage's share of the current frame."""
        return _Stopwatch(self._clock, self._open_ms, stage) if self.running else _UNTIMED

    def end_frame(self) -> dict[str, float]:
        """Close the current frame, and return each stage's milliseconds.

        `track` is what the whole step, timed as such, took beyond the parts within it.
        """
        laps = dict(self._open_ms)
        self._open_ms.clear()
        if "track" in laps:
            laps["track"] -= laps.get("detect", 0.0) + laps.get("classify", 0.0)
        return laps


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

    def __init__(self, detector: Detector, clock: StageClock) -> None:
        self._detector, self._clock = detector, clock

    def search(self, gray: NDArray[np.uint8], part: SearchPart | None = None) -> list[Rect]:
        """Search the whole frame or a part of it."""
        with self._clock.timed("detect"):
            return self._detector.search(gray, part)

    def search_near(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        """Search near a face."""
        with self._clock.timed("detect"):
            return self._detector.search_near(gray, face, tilt)

    def search_around(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        """Search around a lost face."""
        with self._clock.timed("detect"):
            return self._detector.search_around(gray, face, tilt)


class TimedFlow(Flow):
    """Flow whose time is stage `detect`."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock

    def template(self, gray: NDArray[np.uint8], face: Rect, tilt: float, time_s: float) -> Template:
        """Return a face's template."""
        with self._clock.timed("detect"):
            return super().template(gray, face, tilt, time_s)

    def follow(self, before: Template, gray: NDArray[np.uint8], expected: Rect, tilt: float) -> Followed | None:
        """Return where the face of a template is."""
        with self._clock.timed("detect"):
            return super().follow(before, gray, expected, tilt)


class TimedMotion(Motion):
    """Motion whose time is stage `detect`: deciding where to search is part of finding faces."""

    def __init__(self, face: int, clock: StageClock) -> None:
        super().__init__(face)
        self._clock = clock

    def update(self, gray: NDArray[np.uint8]) -> None:
        """Compare with the next frame."""
        with self._clock.timed("detect"):
            super().update(gray)

    def mark_searched(self, rect: Rect) -> None:
        """Record that a rectangle was searched."""
        with self._clock.timed("detect"):
            super().mark_searched(rect)

    def regions(self, known: list[Rect]) -> list[Rect]:
        """Return where to search."""
        with self._clock.timed("detect"):
            return super().regions(known)


class TimedClassifier:
    """A classifier whose time is stage `classify`."""

    def __init__(self, classifier: Classifier, clock: StageClock) -> None:
        self._classifier, self._clock = classifier, clock

    @property
    def card(self) -> Card:
        """The classifier's card."""
        return self._classifier.card

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        """Classify ``(N, H, W)`` crops."""
        with self._clock.timed("classify"):
            return self._classifier.read(faces)


class TimedPipeline(Pipeline):
    """A pipeline whose stages are timed: `detect`, `classify`, and what else a step takes is `track`."""

    def __init__(
        self,
        clock: StageClock,
        detector: Detector,
        classifier: Classifier,
        faces: FacesConfig,
        emotion: EmotionConfig,
        *,
        ids_before: int = 0,
    ) -> None:
        """Start without any face; the arguments but the first are those of `Pipeline`."""
        self._clock = clock
        super().__init__(
            TimedDetector(detector, clock),
            TimedClassifier(classifier, clock),
            faces,
            emotion,
            motion=TimedMotion(faces.min_height, clock),
            flow=TimedFlow(clock),
            ids_before=ids_before,
        )

    def step(self, frame: Frame) -> list[Transition]:
        """Process one frame."""
        with self._clock.timed("track"):
            return super().step(frame)
