from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.testcard import Crowd

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a photo of two people, one of nobody and one that is damaged."""
    folder = tmp_path / "photos"
    folder.mkdir()
    scene = Crowd(2, 400, 300).render(2.0)
    (folder / "two.png").write_bytes(cv2.imencode(".png", scene)[1].tobytes())
    (folder / "nobody.jpg").write_bytes(cv2.imencode(".jpg", np.full((50, 60), 90, np.uint8))[1].tobytes())
    (folder / "._two.png").write_bytes(b"what macOS leaves")
    (folder / "notes.txt").write_text("no photo")
    return folder
