from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from tests.train.synthetic import Run, call
from train.__main__ import TENSORBOARD, main

if TYPE_CHECKING:
    from pathlib import Path


def test_logs_for_tensorboard_are_written_where_asked_for(trained: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    assert not (trained.out / TENSORBOARD).exists()
    out = tmp_path / "run"
    command = ["fit", str(trained.recipe), *trained.data, "--clips", "none", "--out", str(out), "--epochs", "1"]
    assert call(main, [*command, "--tensorboard"]) == 0
    written = [path for split in ("train", "validation") for path in (out / TENSORBOARD / split).glob("events.*")]
    assert len(written) == 2
    assert b"epoch_accuracy" in b"".join(path.read_bytes() for path in written)


def test_without_tensorboard_it_says_what_to_install(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    command = ["fit", str(trained.recipe), *trained.data, "--out", str(tmp_path / "run"), "--tensorboard"]
    assert call(main, command) == 2
    assert "requirements/tensorboard.txt" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
