"""The methods that are compared, each for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.bench.methods import Baseline, MethodName, make_method, method_names
from edge.bench.reading import TimedReader
from edge.bench.source import FrameSource
from edge.bench.stages import Stages
from edge.geometry import Rect
from edge.inference.bundle import ModelBundle
from edge.testcard import Scene
from edge.vision.reader import CANDIDATE_VIEWS, FaceCrop
from tests.edge.bench.slow import SlowClassifier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.config import Settings
    from edge.inference.outputs import Predictions


def test_each_finds_the_person_of_the_test_card(settings: Settings) -> None:
    bundle = ModelBundle.load()
    found = {name: make_method(name, bundle, settings.faces, settings.emotion) for name in method_names(None)}
    frames, scene = FrameSource(settings.camera).frames(Stages()), Scene()
    for _ in range(5):
        frame = next(frames)
        for method in found.values():
            method.process(frame)
    face = scene.truth(frame.time_s).face
    assert face
    for name, method in found.items():
        (seen,) = method.faces()
        assert face.iou(seen.rect) > 0.5, name
        assert seen.emotion in (*bundle.labels, "uncertain")
        assert seen.id == (1 if name is MethodName.OURS else None)


def test_a_search_of_every_frame_is_one_and_all_its_findings_are_classified(settings: Settings) -> None:
    shapes, crops = [], []
    bundle = ModelBundle.load()

    class Counting:
        card = bundle.card

        def read(self, faces: NDArray[np.uint8]) -> Predictions:
            crops.append(len(faces))
            return bundle.read(faces)

    def search(gray: NDArray[np.uint8]) -> list[Rect]:
        shapes.append(gray.shape)
        return [Rect(100, 100, 80, 80)] * (len(shapes) % 3)

    method = Baseline(search, Counting())
    frames = FrameSource(settings.camera).frames(Stages())
    for _ in range(6):
        method.process(next(frames))
    assert shapes == [(480, 640)] * 6
    assert crops == [1, 2, 1, 2]
    assert method.faces() == []


def test_reading_is_timed_apart_but_what_decides_on_a_face_is_finding_it() -> None:
    slow = SlowClassifier()
    gray = np.zeros((480, 640), np.uint8)
    reader = TimedReader(slow)
    reader.read(gray, [FaceCrop(Rect(10, 10, 90, 90))] * 3)
    assert reader.spent_s >= slow.spent_s >= 0.003
    before_s = reader.spent_s
    reader.score(gray, Rect(10, 10, 90, 90), 0.0, CANDIDATE_VIEWS)
    assert reader.spent_s == before_s
