from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.train.synthetic import Run, call, grating
from train import report
from train.__main__ import main
from train.runs import TENSORBOARD

if TYPE_CHECKING:
    from pathlib import Path


def draw(path: Path, label: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), grating(label, np.random.default_rng(label)))


def test_a_folder_of_faces_is_learned_with_logs_for_tensorboard(trained: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    for person in range(20):
        for number, name in enumerate(("anger", "contempt", "sadness")):
            draw(tmp_path / "ck" / name / f"S{person:03}_001_{number:08}.png", number)
    recipe, out = tmp_path / "tiny.toml", tmp_path / "run"
    learned = f'training = "folder"\nfolder = "{tmp_path / "ck"}"\nbalance = "weights"'
    recipe.write_text(trained.recipe.read_text().replace('training = "ferplus"', learned))
    nowhere = ["--fer2013", "none", "--ferplus", "none", "--clips", "none"]
    assert call(main, ["fit", str(recipe), *nowhere, "--out", str(out), "--epochs", "1", "--tensorboard"]) == 0
    written = report.read(out / "tiny.json")
    assert written.protocol == "folder"
    assert written.metrics["PrivateTest"]["folder"].n == 6
    assert written.rows == {"folder Training": 42, "folder PublicTest": 12, "folder PrivateTest": 6}
    assert not (trained.out / TENSORBOARD).exists()
    logs = [path for split in ("train", "validation") for path in (out / TENSORBOARD / split).glob("events.*")]
    assert len(logs) == 2
    assert b"epoch_accuracy" in b"".join(path.read_bytes() for path in logs)


def test_without_tensorboard_it_says_what_to_install(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    command = ["fit", str(trained.recipe), *trained.data, "--out", str(tmp_path / "run"), "--tensorboard"]
    assert call(main, command) == 2
    assert "-m pip install -r requirements/tensorboard.txt" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
