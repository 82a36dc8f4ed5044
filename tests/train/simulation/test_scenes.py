from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from edge.bench.matching import matches
from edge.bench.methods import MethodName, make_method, method_names
from edge.bench.reading import EmotionReader
from edge.config import EmotionConfig, FacesConfig
from edge.frame import Frame
from edge.inference.bundle import ModelBundle
from edge.wire.messages import UNCERTAIN
from tests.train import synthetic
from tests.train.scripts import first, whole_frames
from train.__main__ import main
from train.simulation.figures import MethodFigures
from train.simulation.video import FPS

if TYPE_CHECKING:
    from pathlib import Path

    from train.datasets import Faces
    from train.simulation import SyntheticVideo


@pytest.mark.parametrize("name", method_names(None))
def test_each_method_finds_a_face_and_reads_it(mean_faces: Faces, name: MethodName) -> None:
    sequence = first(mean_faces)
    method = make_method(name, ModelBundle.load(), FacesConfig(min_height=72), EmotionConfig())
    middle = whole_frames(sequence, 1)[20:25]
    for index in middle:
        method.process(frame(sequence, index))
    (seen,) = method.faces()
    (person,) = sequence.truth(middle[-1])
    assert matches(person.box, seen.rect)
    assert seen.emotion in (*mean_faces.labels, UNCERTAIN)
    assert seen.id == (1 if name is MethodName.OURS else None)


def test_an_emotion_of_too_little_confidence_is_uncertain(mean_faces: Faces) -> None:
    bundle = ModelBundle.load()
    sequence = first(mean_faces)
    index = whole_frames(sequence, 0)[20]
    (person,) = sequence.truth(index)
    gray = sequence.frame(index)
    assert EmotionReader(bundle, 0).read(gray, [person.box])[0] in bundle.labels
    assert EmotionReader(bundle, 1).read(gray, [person.box]) == [UNCERTAIN]
    assert EmotionReader(bundle, 0).read(gray, []) == []


def frame(sequence: SyntheticVideo, index: int) -> Frame:
    time_s = index / FPS
    return Frame(sequence.frame(index), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=time_s), time_s, index)


def test_the_command_prints_a_table_and_writes_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.evaluate.commands.ROUNDS", 1)
    data = synthetic.data_set(tmp_path / "set").data
    file, plot = tmp_path / "figures.json", tmp_path / "frontier.png"
    options = ["--sequences", "1", "--only", "ours", "--only", "tuned", "--json", str(file), "--plot", str(plot)]
    assert synthetic.call(main, ["scenes", *data, *options]) == 0
    printed = capsys.readouterr().out
    assert "false faces in 1,000 frames" in printed
    assert "1 sequences" in printed
    every = TypeAdapter(list[MethodFigures]).validate_json(file.read_bytes())
    assert [one.name for one in every] == ["ours", "tuned"]
    assert every[0].people == 1
    assert 0 < every[0].detection_cpu_ms <= every[0].cpu_ms
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_model_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert synthetic.call(main, ["scenes", "--model", "nowhere.tflite"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_blazeface_needs_its_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = synthetic.data_set(tmp_path / "set").data
    assert synthetic.call(main, ["scenes", *data, "--sequences", "1", "--only", "blazeface"]) == 2
    assert "needs --blazeface FILE" in capsys.readouterr().err
    assert synthetic.call(main, ["scenes", *data, "--blazeface", str(tmp_path / "absent")]) == 2
    assert "absent: cannot be read" in capsys.readouterr().err
