from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from tests.train.synthetic import Run, call, grating
from train import kept, report
from train.__main__ import main
from train.evaluate.models import keras_logits
from train.log import LOG

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    shutil.copytree(trained.out, tmp_path / "run")
    return Run(trained.fer2013, trained.ferplus, trained.recipe, tmp_path / "run")


def logits(model: Path) -> NDArray[np.float32]:
    pictures = np.stack([grating(label, np.random.default_rng(4)) for label in range(8)])
    return keras_logits(keras.models.load_model(model, compile=False))(pictures)


def test_what_was_kept_is_made_again_without_training(run: Run, tmp_path: Path) -> None:
    into = tmp_path / "weights"
    assert call(main, ["keep", str(run.out), *run.data, "--into", str(into)]) == 0
    assert sorted(path.name for path in into.iterdir()) == ["tiny.json", "tiny.npz"]
    written = report.read(into / "tiny.json")
    assert written.weights == kept.load(into / "tiny.npz").sha256
    assert call(main, ["restore", str(into / "tiny.npz"), "--out", str(tmp_path / "again")]) == 0
    assert logits(tmp_path / "again" / "tiny.keras") == pytest.approx(logits(run.model), abs=0.05)
    assert report.read(tmp_path / "again" / "tiny.json") == written


def test_what_cannot_be_kept_leaves_what_was_kept_before(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "weights"
    assert call(main, ["keep", str(run.out), *run.data, "--into", str(into)]) == 0
    before = {path.name: path.read_bytes() for path in into.iterdir()}
    network = kept.load(run.out / "tiny.npz")
    kept.save(run.out / "tiny.npz", network.recipe, [weight + 1 for weight in network.weights])
    for said in ("the report of other weights", "tiny.json"):
        assert call(main, ["keep", str(run.out), *run.data, "--into", str(into)]) == 2
        assert said in capsys.readouterr().err
        assert {path.name: path.read_bytes() for path in into.iterdir()} == before
        (run.out / "tiny.json").unlink(missing_ok=True)


def test_mistakes_are_one_sentence(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = tmp_path / "weights"
    assert call(main, ["keep", str(tmp_path / "none"), *run.data, "--into", str(into)]) == 2
    assert "recipe.json" in capsys.readouterr().err
    assert call(main, ["keep", str(run.out), *run.data, "--into", str(into)]) == 0
    (into / "tiny.json").write_bytes((run.out / "tiny.json").read_bytes())
    capsys.readouterr()
    assert call(main, ["restore", str(into / "tiny.npz"), "--out", str(tmp_path / "again")]) == 2
    assert "other weights" in capsys.readouterr().err


def test_a_training_is_not_overwritten(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into, mine = tmp_path / "weights", tmp_path / "mine"
    assert call(main, ["keep", str(run.out), *run.data, "--into", str(into)]) == 0
    mine.mkdir()
    (mine / LOG).write_text("epoch\n0\n")
    capsys.readouterr()
    assert call(main, ["restore", str(into / "tiny.npz"), "--out", str(mine)]) == 2
    assert f"{mine}: a training is there" in capsys.readouterr().err
    assert [path.name for path in mine.iterdir()] == [LOG]
