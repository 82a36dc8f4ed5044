"""The command `emotion-edge bench`: its figures, and where they go."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


def test_bench_writes_every_figure_of_the_contract(emotion_edge: Run, tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    outcome = emotion_edge("bench", "--seconds", "2", "--json", file)
    assert outcome.code == 0
    assert "classify" in outcome.out
    report = json.loads(file.read_text())
    assert list(report["stages"]) == ["capture", "detect", "track", "classify", "publish"]
    for stage in report["stages"].values():
        assert 0 < stage["count"] <= report["frames"]
        assert 0 <= stage["p50_ms"] <= stage["p95_ms"] <= stage["p99_ms"] <= stage["max_ms"]
    assert report["cpu_ms_per_frame"] > 0
    assert 0 < report["overhead"] < 1
    assert (report["compare"], report["growth"]) == (None, [])
    assert report["start_s"] > 0
    assert report["rss_mb"] > 10
    assert report["synthetic"] is True


def test_bench_measures_a_clip_over_and_over(emotion_edge: Run, video: Path) -> None:
    report = json.loads(emotion_edge("bench", "--camera", video, "--seconds", "2", "--json", "-").out)
    assert report["frames"] > 30
    assert report["stages"]["classify"] == {"count": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None, "max_ms": None}


def test_bench_figures_go_into_a_pipe_too(emotion_edge: Run, tmp_path: Path, video: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert emotion_edge("bench", "--camera", video, "--seconds", "0.5", "--json", tmp_path / "pipe").code == 0
        assert json.loads(os.read(reader, 65536))["frames"] > 0
    finally:
        os.close(reader)


def test_figures_that_cannot_be_written_are_told(emotion_edge: Run, tmp_path: Path, video: Path) -> None:
    outcome = emotion_edge("bench", "--camera", video, "--seconds", "0.5", "--json", tmp_path / "absent" / "x.json")
    assert (outcome.code, "x.json: cannot be written" in outcome.err) == (2, True)


def test_another_file_than_blazeface_is_refused_before_anything_is_measured(emotion_edge: Run, video: Path) -> None:
    outcome = emotion_edge("bench", "--blazeface", video)
    assert outcome.code == 2
    assert "nobody.avi: not face_detection_short_range.tflite" in outcome.err
