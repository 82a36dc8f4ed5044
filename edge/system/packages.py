"""Packages of this Python environment."""

from __future__ import annotations

import sys


def pip_install(requirement: str) -> str:
    """Return the command that installs a package into the environment that runs this program."""
    # -P: a pip.py in the current folder must not run.
    return f"{sys.executable} -P -m pip install '{requirement}'"
