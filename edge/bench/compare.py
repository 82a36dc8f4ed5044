"""Compare the pipeline with two baselines, on the same frames in turn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.bench.accuracy import Accuracy
from edge.bench.costs import Costs, ratio
from edge.bench.methods import MethodName, make_method
from edge.bench.report import CompareReport, MethodReport
from edge.bench.stages import Stages

if TYPE_CHECKING:
    from edge.bench.methods import Method
    from edge.bench.source import FrameSource
    from edge.config import Settings
    from edge.frame import Frame
    from edge.inference.classifier import Classifier
    from edge.testcard import Scene


_SHOWN_FIRST_S = 4.0
"""Seconds that the test card's person is there before leaving, so that short runs see somebody come back too."""


def compare(settings: Settings, classifier: Classifier, source: FrameSource, seconds: float) -> CompareReport:
    """Run all methods on each frame, each the first in its turn, for about `seconds` altogether.

    Reading the frame is left out. Of a live camera there are only as many frames as all
    three together can process. The first frame is a warm-up and is not counted.
    """
    frames = source.frames(Stages(), source.scene.leaves_s - _SHOWN_FIRST_S if source.scene else 0.0)
    first = next(frames)
    methods = {name: make_method(name, classifier, settings.faces, settings.emotion) for name in MethodName}
    measured = {name: _TimedMethod(method, first, source.scene) for name, method in methods.items()}
    order = list(measured.values())
    deadline = time.perf_counter() + seconds
    for frame in frames:
        for method in order:
            method.process(frame)
        order.append(order.pop(0))
        if time.perf_counter() >= deadline:
            break
    reports = {name: method.report() for name, method in measured.items()}
    ours = reports[MethodName.OURS]
    return CompareReport(
        methods=reports,
        ratios={f"ours/{name}": ratio(ours, other) for name, other in reports.items() if other is not ours},
    )


class _TimedMethod:
    """A method with its costs and, on the test card, its accuracy."""

    def __init__(self, method: Method, warm_up: Frame, scene: Scene | None) -> None:
        height, width = warm_up.gray.shape
        self._method, self._scene = method, scene
        self._costs, self._accuracy = Costs(), Accuracy(width, height)
        self._faces = 0
        method.process(warm_up)

    def process(self, frame: Frame) -> None:
        with self._costs.one_frame():
            self._method.process(frame)
        boxes = [face.rect for face in self._method.faces()]
        self._faces += len(boxes)
        if self._scene:
            self._accuracy.add(frame.time_s, self._scene.truth(frame.time_s).face, boxes)

    def report(self) -> MethodReport:
        cost = self._costs.report()
        return MethodReport(
            **cost.model_dump(),
            faces_per_frame=round(self._faces / cost.frames, 3),
            accuracy=self._accuracy.report() if self._scene else None,
        )
