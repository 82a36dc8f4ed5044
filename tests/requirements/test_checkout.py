"""An environment belongs to one checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment, whose set-up prints its steps."""
    folder = tmp_path / "checkout"
    packages = folder / ".venv/packages/emotion_edge-1.0.dist-info"
    for part in (folder / "requirements", folder / ".venv/bin", packages):
        part.mkdir(parents=True)
    shutil.copy(ROOT / "requirements/checkout.sh", folder / "requirements")
    for name in ("venv.sh", "pip.sh"):
        (folder / "requirements" / name).write_text('#!/bin/sh\necho "$(basename "$0")"\n')
        (folder / "requirements" / name).chmod(0o755)
    for name in ("pyproject.toml", "list.txt"):
        (folder / name).touch()
    (packages / "METADATA").write_text("Metadata-Version: 2.1\nName: emotion-edge\nVersion: 1.0\n")
    (packages / "direct_url.json").write_text(f'{{"url": "{folder.as_uri()}"}}')
    found = f"import sys; sys.path.insert(0, {str(packages.parent)!r}); exec(sys.argv[1])"
    (folder / ".venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} -I -c "{found}" "$3"\n')
    (folder / ".venv/bin/python").chmod(0o755)
    return folder


def steps(checkout: Path) -> tuple[list[str], str]:
    """Set up a checkout; return what was called, and what was said."""
    command = ["sh", "requirements/checkout.sh", ".venv", sys.executable, "list.txt", ".venv/.edge"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    return done.stdout.split(), done.stderr


def test_an_environment_with_another_checkouts_code_gets_this_ones(checkout: Path) -> None:
    assert steps(checkout) == (["venv.sh", "pip.sh"], "")
    assert steps(checkout) == (["venv.sh"], "")
    (checkout / ".venv/.edge").write_text("/another/checkout\n")
    assert steps(checkout) == (["venv.sh", "pip.sh"], "")


def test_another_checkouts_environment_behind_a_link_is_left_as_it_is(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".venv").rename(tmp_path / "shared")
    (checkout / ".venv").symlink_to(tmp_path / "shared")
    python = tmp_path / "shared/bin/python"
    python.write_text(python.read_text().replace(f"{checkout}/.venv", str(tmp_path / "shared")))
    assert steps(checkout) == (["venv.sh", "pip.sh"], "")
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy, symlinks=True)
    called, said = steps(copy)
    assert called == []
    assert f".venv is a link to an environment with the code of {checkout}" in said
