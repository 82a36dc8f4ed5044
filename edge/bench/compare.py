"""Ours beside the usual ways, on the same frames in turn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.bench.costs import Costs, ratio
from edge.bench.detectors import lookers
from edge.bench.matching import Score
from edge.bench.report import CompareReport, LookerReport
from edge.bench.stages import Stages

if TYPE_CHECKING:
    from edge.bench.detectors import Looker
    from edge.bench.source import FrameSource
    from edge.config import Settings
    from edge.frame import Frame
    from edge.inference.classifier import Classifier
    from edge.testcard import Scene


_SHOWN_FIRST_S = 4.0
"""Seconds that the test card's person is there before leaving, so that short runs see somebody come back too."""


def compare(settings: Settings, classifier: Classifier, source: FrameSource, seconds: float) -> CompareReport:
    """Let all look at each frame, each being the first in its turn, for about `seconds` altogether.

    Reading the frame is left out. A live camera gives only as many frames as all
    three together can look at. The first frame warms up and is not counted.
    """
    frames = source.frames(Stages(), source.scene.leaves_s - _SHOWN_FIRST_S if source.scene else 0.0)
    warming = next(frames)
    entrants = {name: _Entrant(looker, warming, source.scene) for name, looker in lookers(settings, classifier).items()}
    order = list(entrants.values())
    deadline = time.perf_counter() + seconds
    for frame in frames:
        for entrant in order:
            entrant.look(frame)
        order.append(order.pop(0))
        if time.perf_counter() >= deadline:
            break
    found = {name: entrant.report() for name, entrant in entrants.items()}
    return CompareReport(
        lookers=found,
        ratios={f"ours/{name}": ratio(found["ours"], other) for name, other in found.items() if name != "ours"},
    )


class _Entrant:
    """A looker with its stopwatch and, on the test card, its judge."""

    def __init__(self, looker: Looker, warming: Frame, scene: Scene | None) -> None:
        height, width = warming.gray.shape
        self._looker, self._scene = looker, scene
        self._costs, self._score = Costs(), Score(width, height)
        self._faces = 0
        looker.look(warming)

    def look(self, frame: Frame) -> None:
        with self._costs.one_frame():
            self._looker.look(frame)
        found = self._looker.faces()
        self._faces += len(found)
        if self._scene:
            self._score.add(frame.time_s, self._scene.truth(frame.time_s).face, found)

    def report(self) -> LookerReport:
        cost = self._costs.report()
        return LookerReport(
            **cost.model_dump(),
            faces_per_frame=round(self._faces / cost.frames, 3),
            accuracy=self._score.report() if self._scene else None,
        )
