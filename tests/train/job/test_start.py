from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from train.job import start

if TYPE_CHECKING:
    import pytest


def test_without_keras_and_wheels_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "HERE", tmp_path)
    monkeypatch.setattr(start, "_has", lambda module: module != "keras")
    assert start.main() == 2
    assert capsys.readouterr().err.endswith(f"{sys.executable} -m pip install keras\n")


def test_wheels_that_were_half_installed_are_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster's time limit may end pip at any time; what it left was taken for all of it in every later run."""

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        target = Path(command[command.index("--target") + 1])
        assert not target.exists()  # nothing of the run before
        target.mkdir()
        (target / "keras.py").touch()
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(start, "HERE", tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(subprocess, "run", pip)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "keras.whl").touch()
    (tmp_path / "packages.part").mkdir()
    assert start.install_wheels() == ""
    assert [path.name for path in (tmp_path / "packages").iterdir()] == ["keras.py"]
    assert not (tmp_path / "packages.part").exists()


def test_what_pip_said_last_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "HERE", tmp_path)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "broken-1-py3-none-any.whl").write_bytes(b"no archive")
    problem = start.install_wheels()
    assert "broken" in problem
    assert "pack --wheels VERSION" in problem
    assert not (tmp_path / "packages").exists()
