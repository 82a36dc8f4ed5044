from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from edge import config
from edge.bench.compare import compare
from edge.bench.methods import FoundFace, MethodName, make_method
from edge.bench.source import FrameSource
from edge.errors import ConfigError
from edge.geometry import Rect
from edge.inference.bundle import ModelBundle
from edge.testcard import Scene
from tests.edge.bench.slow import SlowClassifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edge.bench import BenchReport
    from edge.config import Settings
    from edge.frame import Frame
    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


def test_all_process_the_same_frames_and_each_is_the_first_in_its_turn(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    times: list[float] = []

    class Spy:
        def __init__(self, name: str) -> None:
            self._name = name

        def process(self, frame: Frame) -> None:
            seen.append((self._name, frame.sequence))
            times.append(frame.time_s)

        def faces(self) -> list[FoundFace]:
            return []

        @property
        def reading_s(self) -> float:
            return 0.0

    names = ("ours", "naive", "tuned")
    monkeypatch.setattr("edge.bench.compare.make_method", lambda name, *_: Spy(name))
    found = compare(settings, ModelBundle.load(), FrameSource(settings.camera), seconds=0.3)
    counted = [seen[at : at + 3] for at in range(3, len(seen), 3)]  # after the frame that warms up
    assert {method.frames for method in found.methods.values()} == {len(counted)}
    assert all({name for name, _ in turn} == set(names) for turn in counted)
    assert [{number for _, number in turn} for turn in counted] == [{at + 1} for at in range(len(counted))]
    assert 0 < Scene().leaves_s - times[0] < 5  # so that somebody comes back in a short run
    assert all(turn[0][0] == names[at % 3] for at, turn in enumerate(counted))


def test_ratios_are_those_of_the_figures(bench_report: BenchReport) -> None:
    assert bench_report.compare
    ours, naive, tuned = bench_report.compare.methods.values()
    assert ours.frames == naive.frames == tuned.frames > 0
    for name, other in (("naive", naive), ("tuned", tuned)):
        ratio = bench_report.compare.ratios[f"ours/{name}"]
        assert ratio.cpu == pytest.approx(ours.cpu_ms_per_frame / other.cpu_ms_per_frame, abs=1e-4)
        assert ratio.detection_cpu == pytest.approx(
            ours.detection_cpu_ms_per_frame / other.detection_cpu_ms_per_frame, abs=1e-4
        )
        assert ratio.wall == pytest.approx(ours.wall_ms_per_frame / other.wall_ms_per_frame, abs=1e-4)


def test_detection_is_all_but_the_reading(settings: Settings) -> None:
    found = compare(settings, SlowClassifier(), FrameSource(settings.camera), seconds=2)
    for method in found.methods.values():
        assert 0 < method.detection_cpu_ms_per_frame <= method.cpu_ms_per_frame
    naive = found.methods["naive"]
    assert naive.cpu_ms_per_frame - naive.detection_cpu_ms_per_frame > 0.9 * naive.faces_per_frame


def test_blazeface_is_compared_where_its_file_is_named(settings: Settings) -> None:
    def search(_gray: NDArray[np.uint8]) -> list[Rect]:
        return [Rect(100, 100, 80, 80)]

    for cascades in (False, True):
        source = FrameSource(settings.camera)
        found = compare(settings, ModelBundle.load(), source, 0.3, cascades=cascades, blazeface=search)
        assert list(found.methods) == ["ours", *["naive", "tuned"] * cascades, "blazeface"]
        assert "ours/blazeface" in found.ratios
        assert found.methods["blazeface"].faces_per_frame == 1
    with pytest.raises(ConfigError, match="needs --blazeface FILE"):
        make_method(MethodName.BLAZEFACE, ModelBundle.load(), settings.faces, settings.emotion)


def test_ids_are_counted_where_there_are_some(bench_report: BenchReport) -> None:
    assert bench_report.compare
    ours, *others = bench_report.compare.methods.values()
    assert bool(ours.ids) == (ours.faces_per_frame > 0)
    assert ours.accuracy
    assert not ours.accuracy.id_changes
    for other in others:
        assert other.ids is None
        assert other.accuracy
        assert other.accuracy.id_changes is None


def test_a_clips_next_showing_begins_with_new_methods(
    settings: Settings, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Spy:
        reading_s = 0.0

        def __init__(self) -> None:
            self._frames = 0

        def process(self, _frame: Frame) -> None:
            self._frames += 1

        def faces(self) -> list[FoundFace]:
            return [FoundFace(Rect(10, 10, 90, 90), "happy", self._frames)]  # another id in each frame

    monkeypatch.setattr("edge.bench.compare.make_method", lambda *_: Spy())
    clip = FrameSource(config.load(None, {}, {"camera.source": str(video)}).camera)
    ours = compare(settings, ModelBundle.load(), clip, seconds=2).methods["ours"]
    clip.close()
    assert ours.frames > 30
    assert ours.ids == 29  # the first frame of each showing is a warm-up


def test_the_truth_of_a_clip_is_not_known(emotion_edge: Run, video: Path) -> None:
    report = json.loads(emotion_edge("bench", "--camera", video, "--compare", "--seconds", "0.6", "--json", "-").out)
    assert [method["accuracy"] for method in report["compare"]["methods"].values()] == [None] * 3
    assert report["growth"] == []


def test_the_tables_say_what_was_compared_and_of_how_many_frames(emotion_edge: Run) -> None:
    outcome = emotion_edge("bench", "--compare", "--seconds", "1")
    assert outcome.code == 0
    for word in ("naive", "tuned", "ours takes", "Detection and tracking alone", "recall"):
        assert word in outcome.out
    frames = re.search(r"on the same ([\d,]+) frames", outcome.out)
    assert frames
    assert f"number in these {frames[1]} frames" in " ".join(outcome.out.split())
