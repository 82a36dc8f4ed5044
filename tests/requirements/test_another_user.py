"""An environment that belongs to another user."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.users import NOBODY, run_as_any_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VENV = Path(__file__).parents[2] / "requirements/venv.sh"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user's folder needs root to make")
needs_system_python = pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="there is no /usr/bin/python3")


@contextmanager
def anothers_view() -> Iterator[tuple[Path, Callable[[], subprocess.CompletedProcess[str]]]]:
    """Yield the folder of an environment, which root has made, and what calls venv.sh for it as another user."""
    # Not below pytest's own folder, which is root's alone.
    with tempfile.TemporaryDirectory() as name:
        folder, copies = Path(name) / "environment", Path(name) / "requirements"
        folder.mkdir()
        shutil.copytree(VENV.parent, copies)
        Path(name).chmod(0o755)
        command: list[str | Path] = ["sh", copies / VENV.name, folder, "/usr/bin/python3", copies / "edge.txt"]

        def call() -> subprocess.CompletedProcess[str]:
            return run_as_any_user(command)

        yield folder, call


@needs_root
@needs_system_python
def test_an_environment_that_root_made_is_named_with_the_way_out() -> None:
    with anothers_view() as (folder, call):
        result = call()
    assert result.returncode == 1
    assert f"{folder} belongs to root, perhaps since a 'sudo make'" in result.stderr
    assert 'sudo chown -R nobody: "/"' in result.stderr


@needs_root
@needs_system_python
def test_a_folder_of_ones_own_that_cannot_be_written_is_called_read_only() -> None:
    with anothers_view() as (folder, call):
        os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o555)
        result = call()
    assert result.returncode == 1
    assert result.stderr == f"{folder} has to be brought up to date, and is read-only: make it writable and try again\n"


@needs_root
@needs_system_python
def test_a_complete_environment_need_not_be_writable() -> None:
    with anothers_view() as (folder, call):
        system: list[str | Path] = [VENV.with_name("system.sh"), "/usr/bin/python3"]
        facts = subprocess.run(system, check=True, capture_output=True, text=True).stdout.split()
        (folder / "bin").mkdir()
        (folder / "bin/python").symlink_to("/usr/bin/python3")
        (folder / "pyvenv.cfg").write_text(f"include-system-site-packages = {facts[1]}\n")
        hashed = hashlib.sha256((VENV.parent / "edge.txt").read_bytes()).hexdigest()
        (folder / ".edge.txt.sha256").write_text(f"{hashed}  -\n")
        result = call()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
