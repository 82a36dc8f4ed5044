"""The copies in which ``emotion-edge read --out`` draws the faces: their names, and what cannot be written."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from edge.photo.read import copy_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


def test_copies_have_names_of_their_own(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    for folder in (one, other):
        folder.mkdir()
    photos = [one / "x.jpg", other / "x.jpeg", one / "x.png", tmp_path / "x-faces.png"]
    for photo in photos:
        photo.touch()
    assert [name.name for name in copy_names(photos, tmp_path)] == [
        "x-faces.jpg",
        "x-faces-2.jpg",
        "x-faces-2.png",
        "x-faces-faces.png",
    ]


@pytest.mark.parametrize("letters", [251, 240])
def test_a_photo_with_a_long_name_has_a_copy(emotion_edge: Run, photos: Path, tmp_path: Path, letters: int) -> None:
    """A file's name has up to 255 bytes."""
    photo, report = photos / f"{'x' * letters}.jpg", tmp_path / f"{'r' * 250}.json"
    (photos / "nobody.jpg").rename(photo)
    outcome = emotion_edge("read", photo, "--out", tmp_path, "--json", report)
    assert (outcome.code, outcome.err) == (0, "")
    assert (tmp_path / f"{'x' * min(letters, 245)}-faces.jpg").exists()
    assert report.exists()


def test_long_names_of_copies_differ_too(tmp_path: Path) -> None:
    photos = [tmp_path / "a" / f"{'ü' * 125}{end}.jpg" for end in "ab"]
    names = [name.name for name in copy_names(photos, tmp_path)]
    assert names == [f"{'ü' * 122}-faces.jpg", f"{'ü' * 121}-faces-2.jpg"]


def test_a_copy_that_its_form_does_not_take_is_told_of_its_photo(
    emotion_edge: Run, photos: Path, tmp_path: Path
) -> None:
    wide = photos / "wide.jpg"  # a PNG
    wide.write_bytes(cv2.imencode(".png", np.zeros((20, 70_000), np.uint8))[1].tobytes())
    outcome = emotion_edge("read", wide, photos / "nobody.jpg", "--out", tmp_path / "drawn")
    assert outcome.code == 3
    assert "wide.jpg: its copy of 70000x20 pixels is too large for a .jpg file, and is left out" in outcome.err
    assert "wide.jpg: no face found" in outcome.out
    assert [file.name for file in (tmp_path / "drawn").iterdir()] == ["nobody-faces.jpg"]


def test_a_copy_that_cannot_be_written_loses_no_results(emotion_edge: Run, photos: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "drawn", tmp_path / "report.json"
    (out / "nobody-faces.jpg").mkdir(parents=True)
    outcome = emotion_edge("read", photos, "--out", out, "--json", report)
    assert outcome.code == 2
    assert f"{out / 'nobody-faces.jpg'}: cannot be written: Is a directory" in outcome.err
    assert (out / "two-faces.png").exists()
    assert [len(photo["faces"]) for photo in json.loads(report.read_text())["photos"]] == [0, 2]


def test_a_folder_that_takes_no_copy_is_told_before_the_first_photo(
    emotion_edge: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path != photos or not mode & os.W_OK)
    outcome = emotion_edge("read", photos, "--out", photos)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{photos}: cannot be written to; name another folder" in outcome.err


def test_a_full_disk_ends_the_copies_but_not_the_reading(
    emotion_edge: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "drawn"
    full = Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    monkeypatch.setattr("edge.files.sync_folder", full)
    outcome = emotion_edge("read", photos, "--out", out, "--json", "-")
    assert outcome.code == 2
    assert full.call_count == 1
    said = f"{out / 'nobody-faces.jpg'}: cannot be written: No space left on device; no further copies are written"
    assert outcome.err.count("cannot be written") == 1
    assert said in outcome.err
    assert len(json.loads(outcome.out)["photos"]) == 2


def test_no_file_is_looked_up_for_each_pair_of_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = Mock(side_effect=FileNotFoundError)
    monkeypatch.setattr("os.stat", looked_up)
    names = copy_names([Path(f"{number}.jpg") for number in range(100)], tmp_path)
    monkeypatch.undo()
    assert len(set(names)) == 100
    assert looked_up.call_count <= 200
