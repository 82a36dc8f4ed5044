"""Where the footage is that some tests need, and that is no part of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "data" / "clips"


def clip(name: str) -> Path:
    """Give a clip's path, or skip the test where it is absent.

    ``EMOTION_EDGE_CLIPS`` names the folder; without it, ``../shared/data/clips`` beside the repository.
    """
    folder = Path(os.environ.get("EMOTION_EDGE_CLIPS", _BESIDE))
    path = folder / name
    if not path.is_file():
        pytest.skip(f"needs {name} in {folder}; EMOTION_EDGE_CLIPS names another folder")
    return path
