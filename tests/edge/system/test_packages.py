from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from edge.system.packages import REQUIREMENTS, install_missing, program

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_what_is_advised_is_what_the_project_asks_for() -> None:
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    every = [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    asked = {each.partition(";")[0].strip() for each in every}
    assert set(REQUIREMENTS.values()) <= asked


def test_a_module_that_nobody_asked_for_has_no_command() -> None:
    assert install_missing(ModuleNotFoundError("no", name="edge.daemon.nothing")) is None
    assert install_missing(ImportError("no name")) is None
    assert "'numpy>=" in (install_missing(ModuleNotFoundError("no", name="numpy.core")) or "")


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        (".venv/bin/emotion-edge", ".venv/bin/emotion-edge"),
        ("/opt/x/bin/emotion-edge", "/opt/x/bin/emotion-edge"),
        ("HERE/.venv/bin/emotion-edge", "./.venv/bin/emotion-edge"),
        ("FOLDER/emotion-edge", "emotion-edge"),  # on the PATH
        ("-c", "emotion-edge"),
    ],
)
def test_the_command_is_shown_as_it_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str, shown: str
) -> None:
    (tmp_path / "emotion-edge").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [called.replace("FOLDER", str(tmp_path)).replace("HERE", str(Path.cwd()))])
    assert program() == shown
