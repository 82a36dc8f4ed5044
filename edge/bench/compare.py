"""Compare the pipeline with baselines, on the same frames in turn."""

from __future__ import annotations

import time
from functools import partial
from statistics import fmean, median
from typing import TYPE_CHECKING

from edge.bench.accuracy import Accuracy
from edge.bench.costs import Costs, ratio
from edge.bench.methods import MethodName, make_method, method_names
from edge.bench.report import CompareReport, MethodRatio, MethodReport
from edge.bench.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.bench.methods import Method, Search
    from edge.bench.source import FrameSource
    from edge.config import Settings
    from edge.frame import Frame
    from edge.inference.classifier import Classifier
    from edge.testcard import Scene


_SHOWN_FIRST_S = 4.0
"""Seconds that the test card's person is there before leaving, so that short runs see somebody come back too."""


def compare(
    settings: Settings,
    classifier: Classifier,
    source: FrameSource,
    seconds: float,
    *,
    cascades: bool = True,
    blazeface: Search | None = None,
) -> CompareReport:
    """Run methods on each frame, each the first in its turn, for about `seconds` altogether.

    Reading the frame is left out. Of a live camera there are only as many frames as all
    together can process. The first frame is a warm-up and is not counted. A clip's next
    showing begins with new methods and another warm-up: where it begins anew, everybody jumps.

    Args:
        settings: Those of the daemon.
        classifier: Reads the faces.
        source: Shows the frames.
        seconds: How long.
        cascades: Compare with the searches of whole frames by OpenCV's cascade.
        blazeface: Compare with this search of whole frames too.
    """
    frames = source.frames(Stages(), source.scene.leaves_s - _SHOWN_FIRST_S if source.scene else 0.0)
    first = next(frames)

    def make(name: MethodName) -> Method:
        return make_method(name, classifier, settings.faces, settings.emotion, blazeface)

    names = method_names(blazeface, cascades=cascades)
    measured = {name: _TimedMethod(partial(make, name), first, source.scene) for name in names}
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
        ratios={f"ours/{name}": _ratio(ours, other) for name, other in reports.items() if other is not ours},
    )


class _TimedMethod:
    """A method with its costs and, on the test card, its accuracy."""

    def __init__(self, make: Callable[[], Method], warm_up: Frame, scene: Scene | None) -> None:
        height, width = warm_up.gray.shape
        self._make, self._scene = make, scene
        self._costs, self._accuracy = Costs(), Accuracy(width, height)
        self._detection_ms: list[float] = []
        self._faces = 0
        self._ids: set[int] = set()
        self._begin(warm_up)

    def _begin(self, warm_up: Frame) -> None:
        self._method, self._sequence = self._make(), warm_up.sequence
        self._method.process(warm_up)

    def process(self, frame: Frame) -> None:
        if frame.sequence < self._sequence:
            self._begin(frame)
            return
        self._sequence = frame.sequence
        read_s = self._method.reading_s
        with self._costs.one_frame():
            self._method.process(frame)
        self._detection_ms.append(self._costs.newest_cpu_ms - 1000 * (self._method.reading_s - read_s))
        faces = self._method.faces()
        self._faces += len(faces)
        self._ids |= {face.id for face in faces if face.id is not None}
        if self._scene:
            self._accuracy.add(frame.time_s, self._scene.truth(frame.time_s).face, faces)

    def report(self) -> MethodReport:
        cost = self._costs.report()
        return MethodReport(
            **cost.model_dump(),
            detection_cpu_ms_per_frame=round(fmean(self._detection_ms), 3),
            detection_cpu_ms_median=round(median(self._detection_ms), 3),
            faces_per_frame=round(self._faces / cost.frames, 3),
            ids=len(self._ids) or None,
            accuracy=self._accuracy.report() if self._scene else None,
        )


def _ratio(one: MethodReport, other: MethodReport) -> MethodRatio:
    return MethodRatio(
        **ratio(one, other).model_dump(),
        detection_cpu=round(one.detection_cpu_ms_per_frame / other.detection_cpu_ms_per_frame, 4),
        detection_cpu_median=round(one.detection_cpu_ms_median / other.detection_cpu_ms_median, 4),
    )
