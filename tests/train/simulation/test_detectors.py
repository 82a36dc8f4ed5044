from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from edge.bench.matching import matches
from edge.inference.bundle import ModelBundle
from edge.wire.messages import UNCERTAIN
from tests.train import synthetic
from tests.train.scripts import first, whole_frames
from train.__main__ import main
from train.simulation.detectors import Name, Reader, looker
from train.simulation.figures import Figures
from train.simulation.video import FPS

if TYPE_CHECKING:
    from pathlib import Path

    from train.datasets import Faces


class TestTheLookers:
    @pytest.mark.parametrize("name", list(Name))
    def test_find_a_face_and_read_it(self, mean_faces: Faces, name: Name) -> None:
        sequence = first(mean_faces)
        someone = looker(name, ModelBundle.load(), 72)
        middle = whole_frames(sequence, 1)[20:25]
        looks = [someone.look(sequence.frame(index), index / FPS) for index in middle]
        (seen,) = looks[-1]
        (person,) = sequence.truth(middle[-1])
        assert matches(person.box, seen.box)
        assert seen.emotion in (*mean_faces.labels, UNCERTAIN)
        assert seen.id == (1 if name is Name.OURS else None)

    def test_of_no_confidence_is_uncertain(self, mean_faces: Faces) -> None:
        bundle = ModelBundle.load()
        sequence = first(mean_faces)
        index = whole_frames(sequence, 0)[20]
        (person,) = sequence.truth(index)
        frame = sequence.frame(index)
        assert Reader(bundle, 0).read(frame, person.box) in bundle.labels
        assert Reader(bundle, 1).read(frame, person.box) == UNCERTAIN


def test_the_command_prints_a_table_and_writes_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.evaluate.commands.ROUNDS", 1)
    data = synthetic.data_set(tmp_path / "set").data
    file = tmp_path / "figures.json"
    options = ["--sequences", "1", "--only", "ours", "--only", "tuned", "--json", str(file)]
    assert synthetic.call(main, ["scenes", *data, *options]) == 0
    printed = capsys.readouterr().out
    assert "false faces in 1,000 frames" in printed
    assert "1 sequences" in printed
    every = TypeAdapter(list[Figures]).validate_json(file.read_bytes())
    assert [one.name for one in every] == ["ours", "tuned"]
    assert every[0].people == 1


def test_a_model_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert synthetic.call(main, ["scenes", "--model", "nowhere.tflite"]) == 2
    assert "nowhere" in capsys.readouterr().err
