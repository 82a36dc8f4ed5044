from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from tests.train.synthetic import Run, call
from train import report
from train.__main__ import main
from train.evaluate.metrics import Metrics
from train.evaluate.protocols import ComparedModels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("wide")
def test_evaluate_prints_accuracy_recall_agreement_and_confusion(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert call(main, ["evaluate", str(trained.model), *trained.data, "--json", str(file)]) == 0
    shown = capsys.readouterr().out
    kept = report.read(trained.out / "tiny.json").metrics
    assert f"{kept['PrivateTest']['ferplus-top'].accuracy:.2%}" in shown
    majority = kept["PrivateTest"]["ferplus-majority"]
    for label, recall in majority.recall.items():
        assert f"{recall.recall:.2f} ({recall.n})" in shown, label
    assert majority.by_agreement["8 or more"].n == majority.n  # eight of ten agree, as the data set was made
    assert "8 or more" in shown
    assert " ".join(map(str, majority.confusion[4])) in " ".join(shown.split())
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "…" not in shown
    written = TypeAdapter(dict[str, dict[str, Metrics]]).validate_json(file.read_bytes())
    assert {split: written[split] for split in kept} == kept
    assert "mean of four views, as read on a track" in shown
    views = [split for split in written if split not in kept]
    assert views == [f"{split}, mean of four views, as read on a track" for split in kept]


@pytest.mark.usefixtures("wide")
def test_faces_of_ones_own_need_no_votes(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = trained.fer2013.read_text().splitlines()
    own = tmp_path / "own.csv"
    others = [row.replace("PrivateTest", "PublicTest") for row in rows[-96:-48]]
    own.write_text("\n".join([rows[0], *rows[-48:], *others]))
    assert call(main, ["evaluate", str(trained.model), "--fer2013", str(own), "--ferplus", "none"]) == 0
    said = capsys.readouterr().out
    assert "PrivateTest, fer2013, predictions in columns" in said
    assert "ferplus" not in said
    assert call(main, ["evaluate", str(trained.model), "--fer2013", str(own), *trained.data[2:]]) == 2
    assert "--ferplus none" in capsys.readouterr().err


def test_a_dash_prints_the_figures_alone(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", str(trained.model), *trained.data, "--against", str(trained.model), "--json", "-"]
    assert call(main, command) == 0
    assert len(TypeAdapter(list[ComparedModels]).validate_json(capsys.readouterr().out)) == 6


def test_two_models_are_compared_on_the_same_faces(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pairs.json"
    command = ["evaluate", str(trained.model), *trained.data, "--against", str(trained.model), "--json", str(file)]
    assert call(main, command) == 0
    assert "McNemar" in capsys.readouterr().out
    pairs = TypeAdapter(list[ComparedModels]).validate_json(file.read_bytes())
    assert len(pairs) == 6
    assert all(one.first == one.second and one.pair.p == 1 for one in pairs)


def test_balance_moves_answers_towards_rare_labels(trained: Run, tmp_path: Path) -> None:
    def happy(tau: str) -> int:
        file = tmp_path / f"{tau}.json"
        assert call(main, ["evaluate", str(trained.model), *trained.data, "--balance", tau, "--json", str(file)]) == 0
        found = json.loads(file.read_bytes())["PrivateTest"]["ferplus-majority"]
        return sum(row[found["labels"].index("happy")] for row in found["confusion"])

    path = trained.out / "tiny.json"
    before = path.read_bytes()
    changed = json.loads(before) | {"priors": {"neutral": 0.999, "happy": 1e-3}}
    path.write_text(json.dumps(changed))
    try:
        assert happy("1") > happy("0")
    finally:
        path.write_bytes(before)
