"""What is no camera ends the command with exit code 3 and a sentence, and is never a defect of ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from tests.edge.camera.test_images import encoded, enlarged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def photo(folder: Path) -> Path:
    path = folder / "photo.jpg"
    path.write_bytes(encoded(".jpg"))
    return path


def huge_photo(folder: Path) -> Path:
    path = folder / "photo.png"
    path.write_bytes(enlarged(".png"))
    return path


def sparse_photo(folder: Path) -> Path:
    path = photo(folder)
    os.truncate(path, 20 * 1024**3)
    return path


def folder_with_a_huge_image(folder: Path) -> Path:
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(enlarged(".png"))
    return folder


def folder_with_a_sparse_file(folder: Path) -> Path:
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(encoded(".png"))
    os.truncate(folder / "a.png", 20 * 1024**3)
    return folder


def folder_with_half_an_image(folder: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(encoded(".jpg")[:-300])
    return folder


def folder_of_different_sizes(folder: Path) -> Path:
    for width in (160, 320):
        assert cv2.imwrite(str(folder / f"{width}.png"), np.zeros((120, width), np.uint8))
    return folder


def folder_with_a_fifo(folder: Path) -> Path:
    for name in ("a.png", "b.png"):
        os.mkfifo(folder / name)
    return folder


def folder_whose_image_has_no_utf_8_in_its_name(folder: Path) -> Path:
    (folder / os.fsdecode(b"\xff.png")).write_bytes(b"no image")
    return folder


@pytest.mark.parametrize(
    "make",
    [
        photo,
        huge_photo,
        sparse_photo,
        folder_with_a_huge_image,
        folder_with_a_sparse_file,
        folder_with_half_an_image,
        folder_of_different_sizes,
        folder_with_a_fifo,
        folder_whose_image_has_no_utf_8_in_its_name,
    ],
)
def test_what_cannot_be_played_ends_with_3(
    emotion_edge: Callable[..., Any], tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    outcome = emotion_edge("run", "--camera", make(tmp_path), "--broker", "none")
    assert outcome.code == 3
    assert str(tmp_path) in outcome.err
    assert "Traceback" not in outcome.err
