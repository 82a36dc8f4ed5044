from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED

import keras
import numpy as np
import pytest

from tests.archives import damaged_archive
from tests.train.synthetic import Run, call, grating
from train import kept, report
from train.__main__ import main
from train.evaluate.models import keras_logits

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


def test_a_run_of_an_older_version_is_kept_too(run: Run, tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    assert call(main, ["keep", str(run.out), *run.data, "--into", str(new)]) == 0
    (run.out / "tiny.npz").unlink()
    assert call(main, ["keep", str(run.out), *run.data, "--into", str(old)]) == 0
    assert (old / "tiny.npz").read_bytes() == (new / "tiny.npz").read_bytes()


def test_mistakes_are_one_sentence(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = tmp_path / "weights"
    assert call(main, ["keep", str(tmp_path / "none"), *run.data, "--into", str(into)]) == 2
    assert "recipe.json" in capsys.readouterr().err
    network = (run.out / "tiny.npz").rename(tmp_path / "tiny.npz")
    model = run.model.read_bytes()
    run.model.write_bytes(damaged_archive({"config.json": b"{}"}, ZIP_DEFLATED))
    assert call(main, ["keep", str(run.out), *run.data, "--into", str(into)]) == 2
    assert "tiny.keras: not a Keras model" in capsys.readouterr().err
    run.model.write_bytes(model)
    network.rename(run.out / "tiny.npz")
    assert call(main, ["keep", str(run.out), *run.data, "--into", str(into)]) == 0
    (into / "tiny.json").write_bytes((run.out / "tiny.json").read_bytes())
    capsys.readouterr()
    assert call(main, ["restore", str(into / "tiny.npz"), "--out", str(tmp_path / "again")]) == 2
    assert "other weights" in capsys.readouterr().err
