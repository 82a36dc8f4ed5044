"""What a rung needs of the host; where it is missing, the rung is skipped with the reason."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def need_root() -> None:
    """Skip unless this is root, who may mount."""
    if os.geteuid() != 0:
        pytest.skip("RUNG NOT RUN: it needs root; 'sudo make test-pi' runs it")
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"RUNG NOT RUN: this machine lets root mount nothing: {done.stderr.strip()}")


def need(*programs: str) -> str:
    """Return the path of the first of some programs that is installed, or skip."""
    for program in programs:
        if path := shutil.which(program, path=_PATH):
            return path
    return pytest.skip(f"RUNG NOT RUN: {' or '.join(programs)} is not installed; 'make test-pi' installs it")
