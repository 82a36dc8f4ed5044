"""What requirements/ does on a system that is not as it should be."""

from __future__ import annotations

import ensurepip
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
VENV = ROOT / "requirements/venv.sh"

PIP = next(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"), None)
"""Python's own wheel of pip: an environment without a pip of its own is made in a moment."""


def make(
    folder: Path, python: str | Path = sys.executable, *lines: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Make or update an environment with the packages of these lines."""
    listed = folder.with_suffix(".txt")
    listed.write_text("".join(f"{line}\n" for line in lines))
    command: list[str | Path] = ["sh", VENV, folder, python, listed]
    fast = {"EMOTION_EDGE_PIP": str(PIP)} if PIP else {}
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **fast, **more})


def program(folder: Path, name: str, script: str) -> str:
    """Put a program first on the path; return the path."""
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def wheel(folder: Path, name: str, files: Mapping[str, str]) -> None:
    """Write a wheel of version 1.0."""
    about = f"{name}-1.0.dist-info"
    described = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in {**files, **described}.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (stat.S_IFREG | 0o755) << 16  # of an executable file
            archive.writestr(entry, text)
        archive.writestr(f"{about}/RECORD", "".join(f"{path},,\n" for path in [*files, *described, f"{about}/RECORD"]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment, for what does not change it."""
    folder = tmp_path_factory.mktemp("made") / "environment"
    result = make(folder)
    assert result.returncode == 0, result.stderr
    assert "installing" in result.stdout
    return folder


@pytest.fixture
def no_pip(tmp_path: Path) -> dict[str, str]:
    """Return the setting for a pip that installs nothing, in no time."""
    (tmp_path / "no-pip").mkdir()
    (tmp_path / "no-pip/pip").touch()
    return {"EMOTION_EDGE_PIP": str(tmp_path / "no-pip")}


def test_a_32_bit_system_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    # What the C library of a 32-bit system answers, whatever its kernel.
    path = program(tmp_path / "bin", "getconf", "echo 32")
    result = make(tmp_path / "environment", "python-that-apt-would-install", PATH=path)
    assert result.returncode == 1
    assert result.stderr.startswith("this is a 32-bit system; emotion-edge needs a 64-bit one")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "environment").exists()


def test_without_a_network_it_says_so(made: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    result = make(made, sys.executable, "no-such-package==1.0", **nowhere, no_proxy="127.0.0.1")
    assert result.returncode == 1
    assert result.stderr == "pip needs the network and does not reach it: connect this machine and try again\n"


def test_apt_without_a_network_says_so_in_every_language(tmp_path: Path) -> None:
    said = '[ "$LC_ALL" = C ] && echo "Temporary failure resolving" || echo "Temporärer Fehlschlag"; exit 100'
    path = program(tmp_path / "bin", "apt-get", said)
    (tmp_path / "bin/id").write_text("#!/bin/sh\necho 0\n")
    (tmp_path / "bin/id").chmod(0o755)
    command: list[str | Path] = ["sh", VENV.with_name("apt.sh"), "mosquitto"]
    german = {**os.environ, "PATH": path, "LC_ALL": "de_DE.UTF-8"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=german)
    assert result.returncode == 1
    assert "apt needs the network and does not reach it" in result.stderr


def test_another_fault_of_pip_is_shown(made: Path) -> None:
    result = make(made, sys.executable, "not a requirement")
    assert result.returncode == 1
    assert "Invalid requirement" in result.stderr
    assert "network" not in result.stderr


def test_what_uv_does_not_install_pip_does(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "uv", {"uv-1.0.data/scripts/uv": '#!/bin/sh\necho uv "$@"\nexit 2\n'})
    wheel(wheels, "wanted", {"wanted.py": ""})
    here = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(wheels)}
    result = make(tmp_path / "environment", sys.executable, "uv==1.0", "wanted==1.0", **here)
    assert result.returncode == 0, result.stderr
    assert "uv pip install --quiet --no-config" in result.stdout
    assert "uv did not install them all; pip goes on" in result.stdout
    python = tmp_path / "environment/bin/python"
    assert subprocess.run([python, "-I", "-c", "import wanted"], check=False).returncode == 0


@pytest.mark.parametrize("option", ["user = true", "target = {}/x", "prefix = {}/x"])
def test_packages_come_into_the_environment_or_it_says_what_puts_them_elsewhere(tmp_path: Path, option: str) -> None:
    wheel(tmp_path, "wanted", {"wanted.py": ""})
    (tmp_path / "pip.conf").write_text(f"[install]\n{option.format(tmp_path)}\n")
    here = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_FIND_LINKS": str(tmp_path)}
    result = make(tmp_path / "environment", sys.executable, "wanted==1.0", "absent==2 ; python_version < '3'", **here)
    listed = (tmp_path / "environment/.environment.txt.sha256").exists()
    if option.startswith("user"):
        assert (result.returncode, listed) == (0, True), result.stderr
    else:
        assert (result.returncode, listed) == (1, False)
        assert (
            "environment after pip installed it: wanted\npip's configuration puts packages elsewhere" in result.stderr
        )


def test_nothing_is_done_where_nothing_changed(made: Path) -> None:
    again = make(made)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_picamera2_that_apt_installs_later_is_seen_and_pips_numpy_goes(tmp_path: Path) -> None:
    # The "system": a Python whose packages we may change.
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", tmp_path / "system"], check=True)
    python = tmp_path / "system/bin/python"
    folder = tmp_path / "environment"
    assert make(folder, python).returncode == 0
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "numpy.py").touch()  # as pip's would hide apt's
    system = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "system")}))
    (system / "picamera2.py").write_text("raise ImportError('it is not to be imported, which takes seconds')\n")
    result = make(folder, python, "numpy==1.0")
    assert result.returncode == 0, result.stderr
    assert "Picamera2 is there: it and its numpy stay apt's" in result.stdout
    assert "include-system-site-packages = true" in (folder / "pyvenv.cfg").read_text()
    assert not (packages / "numpy.py").exists()


def test_one_that_was_interrupted_while_it_was_made_is_made_anew(tmp_path: Path, no_pip: dict[str, str]) -> None:
    folder = tmp_path / "environment"
    interrupted = f"""{sys.executable} "$@"
case "$*" in *"-m venv"*) touch {folder}/half; kill -TERM $PPID $$ ;; esac"""
    program(tmp_path / "bin", "python", interrupted)
    assert make(folder, tmp_path / "bin/python", **no_pip).returncode != 0
    assert (folder / "half").exists()
    result = make(folder, **no_pip)
    assert result.returncode == 0, result.stderr
    assert not (folder / "half").exists()
    (folder / "mine").touch()
    assert make(folder, **no_pip).returncode == 0
    assert (folder / "mine").exists()


def test_a_list_counts_as_installed_when_its_packages_are_on_the_disk(tmp_path: Path, no_pip: dict[str, str]) -> None:
    folder = tmp_path / "environment"
    path = program(tmp_path / "bin", "sync", f"ls -A {folder} >>{tmp_path}/synced")
    assert make(folder, PATH=path, **no_pip).returncode == 0
    assert "bin" in (tmp_path / "synced").read_text().splitlines()
    assert ".environment.txt.sha256" not in (tmp_path / "synced").read_text()
    (tmp_path / "synced").unlink()
    assert make(folder, sys.executable, "# another list", PATH=path, **no_pip).returncode == 0
    assert "bin" in (tmp_path / "synced").read_text().splitlines()


def test_the_project_counts_as_installed_when_it_is_on_the_disk(tmp_path: Path) -> None:
    """A power cut would leave the mark beside a command that is an empty file: `make run` then ended with success."""
    checkout = tmp_path / "checkout"
    shutil.copytree(VENV.parent, checkout / "requirements")
    shutil.copy(ROOT / "Makefile", checkout)
    (checkout / "pyproject.toml").touch()
    said = f'echo "$0 $(ls -A .venv | xargs)" >>{tmp_path}/done'
    path = program(tmp_path / "bin", "sync", said)
    (checkout / "requirements/venv.sh").write_text(f"#!/bin/sh\nmkdir -p .venv\n{said}\n")
    (checkout / "requirements/pip.sh").write_text(f"#!/bin/sh\n{said}\n")
    subprocess.run(["make", ".venv/.edge"], cwd=checkout, check=True, env={"PATH": path})
    steps = [Path(line).name.strip() for line in (tmp_path / "done").read_text().splitlines()]
    assert steps == ["venv.sh", "pip.sh", "sync"]
    assert (checkout / ".venv/.edge").exists()


def test_one_that_was_moved_is_made_anew_but_a_link_to_one_is_none(tmp_path: Path, no_pip: dict[str, str]) -> None:
    """Its commands name their Python by its path."""
    folder, link, moved = (tmp_path / name for name in ("environment", "link", "moved"))
    assert make(folder, **no_pip).returncode == 0
    (folder / "mine").touch()
    link.symlink_to(folder)
    assert make(link, **no_pip).returncode == 0
    assert (folder / "mine").exists()
    folder.rename(moved)
    assert make(moved, **no_pip).returncode == 0
    assert not (moved / "mine").exists()
    assert str(moved) in (moved / "pyvenv.cfg").read_text()


def test_nothing_is_deleted_through_a_link(tmp_path: Path, no_pip: dict[str, str]) -> None:
    folder, link = tmp_path / "environment", tmp_path / "link"
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text("include-system-site-packages = perhaps\n")
    link.symlink_to(folder)
    result = make(link, **no_pip)
    assert result.returncode == 1
    assert f"{link} is a link to {folder}" in result.stderr
    assert (folder / "pyvenv.cfg").exists()
