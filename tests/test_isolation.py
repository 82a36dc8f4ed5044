"""No Python that is started runs code of the folder it is started in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from convert.subprocesses import python
from edge.system.packages import pip_install

ROOT = Path(__file__).parents[1]


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with modules that leave a file behind when somebody imports them."""
    folder = tmp_path / "trap"
    folder.mkdir()
    for module in ("cv2", "ensurepip", "numpy", "picamera2", "pip", "venv"):
        (folder / f"{module}.py").write_text("open('sprung', 'a').write(__name__)\nraise ImportError(__name__)\n")
    monkeypatch.chdir(folder)
    return folder


def test_the_trap_springs(trap: Path) -> None:
    subprocess.run([sys.executable, "-m", "pip"], capture_output=True, check=False)
    assert (trap / "sprung").exists()


def test_setting_up_an_environment_runs_nothing_of_the_current_folder(trap: Path, tmp_path: Path) -> None:
    (tmp_path / "none.txt").touch()
    command: list[str | Path] = [
        "sh",
        ROOT / "requirements/venv.sh",
        tmp_path / "environment",
        sys.executable,
        tmp_path / "none.txt",
    ]
    subprocess.run(command, capture_output=True, check=True)
    assert (tmp_path / "environment/bin/python").exists()
    assert not (trap / "sprung").exists()


def test_the_command_that_doctor_prints_runs_nothing_of_the_current_folder(trap: Path) -> None:
    command = pip_install("emotion-edge").replace("pip install", "pip --version #")
    subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    assert not (trap / "sprung").exists()


def test_the_modules_that_convert_starts_take_nothing_from_the_current_folder(
    trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(trap))
    ran = subprocess.run(python("convert.int8_runtime"), capture_output=True, text=True, check=False)
    assert "main() missing 3 required positional arguments" in ran.stderr  # all was imported, numpy first
    assert not (trap / "sprung").exists()


@pytest.mark.parametrize(
    "script", ["requirements/venv.sh", "requirements/system.sh", "requirements/pip.sh", "systemd/service.sh"]
)
def test_every_python_in_the_scripts_is_isolated(script: str) -> None:
    calls = re.findall(r'"\$(?:python|1)" (-\S+)', (ROOT / script).read_text())
    assert calls
    assert set(calls) == {"-I"}


def test_the_unit_takes_modules_from_the_installation_alone() -> None:
    assert "Environment=PYTHONSAFEPATH=1\n" in (ROOT / "systemd/emotion-edge.service").read_text()
