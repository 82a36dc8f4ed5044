"""What all scripts have in common."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.systemd.service import FOLDER, script
from tests.users import run_as_any_user


@pytest.mark.parametrize("path", sorted([*FOLDER.glob("*.sh"), *FOLDER.parent.glob("requirements/*.sh")]), ids=str)
def test_scripts_are_shell(path: Path) -> None:
    result = subprocess.run(["sh", "-n", path], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    if shellcheck := shutil.which("shellcheck"):
        checked = subprocess.run([shellcheck, "-x", path], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", ["install.sh", "uninstall.sh"])
def test_scripts_refuse_without_root(name: str) -> None:
    # Through standard input, as nobody may not be let into the folder of a checkout.
    result = run_as_any_user(["sh", "-s"], (FOLDER / name).read_text())
    assert result.returncode == 1
    assert "this needs root: run 'sudo sh'" in result.stderr  # that is its name there, and there is no Makefile


@pytest.mark.parametrize("name", ["install.sh", "uninstall.sh"])
@pytest.mark.parametrize("arguments", [("--prefix", "x"), ("--root",), ("--root", "/no/such/folder"), ("--root", "/")])
def test_scripts_refuse_what_they_do_not_know(name: str, arguments: tuple[str, ...]) -> None:
    result = script(name, *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{name}: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="without root it refuses earlier")
@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd runs here: this would install")
def test_install_refuses_without_systemd() -> None:
    result = script("install.sh")
    assert result.returncode == 1
    assert "systemd does not run here; 'make run' starts the daemon without it" in result.stderr
