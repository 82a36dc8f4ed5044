"""The data that some tests need and that is no part of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[1]

DATA = _REPOSITORY / os.environ.get("DATA", "data")
"""The folder of data sets and footage; the variable ``DATA`` names another one, relative to the repository."""


def clip(name: str) -> Path:
    """Return a clip's path, or skip the test where it is absent."""
    return needed("clips", name)


def needed(*parts: str) -> Path:
    """Return the path of a file of the data folder, or skip the test where it is absent."""
    path = DATA.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"needs {Path(*parts)} in the data folder; DATA=FOLDER names another one")
    return path
