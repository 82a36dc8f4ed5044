"""``emotion-edge read``: photos and folders in, a table, JSON and annotated copies out."""

from __future__ import annotations

import io
import json
import os
import shutil
from typing import TYPE_CHECKING

import cv2
import pytest
from rich.console import Console

from edge.camera.images import read_colours
from edge.geometry import Rect
from edge.photo.faces import PhotoFace
from edge.photo.read import photo_files
from edge.photo.report import FaceTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


def test_a_photo_is_read_and_its_copy_drawn(emotion_edge: Run, photos: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "new/drawn", tmp_path / "report.json"
    outcome = emotion_edge("read", photos / "two.png", "--out", out, "--json", report)
    assert outcome.code == 0
    assert "two.png: 2 faces" in outcome.out
    assert f"drawn into {out / 'two-faces.png'}" in outcome.out
    assert cv2.imread(str(out / "two-faces.png")).shape == (900, 1200, 3)
    found = json.loads(report.read_text())
    assert found["schema"] == 1
    assert found["model"]["name"] == "emotion"
    (photo,) = found["photos"]
    assert (photo["file"], photo["width"], photo["height"]) == (str(photos / "two.png"), 400, 300)
    for face in photo["faces"]:
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=0.01)
        assert face["emotion"] in outcome.out
        assert 0 <= face["box"]["x"] <= 400 - face["box"]["width"]


def test_no_face_is_no_failure(emotion_edge: Run, photos: Path) -> None:
    outcome = emotion_edge("read", photos / "nobody.jpg")
    assert outcome.code == 0
    assert outcome.out == f"{photos / 'nobody.jpg'}: no face found\n"


@pytest.mark.parametrize("error", [MemoryError(), cv2.error("no memory")])
def test_a_photo_that_needs_too_much_memory_costs_itself_alone(
    emotion_edge: Run, photos: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def read_but_one(path: Path) -> NDArray[np.uint8]:
        if path.name == "nobody.jpg":
            raise error
        return read_colours(path)

    if isinstance(error, cv2.error):
        error.code = cv2.Error.StsNoMem
    monkeypatch.setattr("edge.photo.read.read_colours", read_but_one)
    outcome = emotion_edge("read", photos)
    assert outcome.code == 3
    assert "two.png: 2 faces" in outcome.out
    assert "nobody.jpg: this machine has too little memory for this photo" in outcome.err


def test_json_alone_can_be_piped(emotion_edge: Run, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    outcome = emotion_edge("read", "nobody.jpg", "--json", "-")
    assert outcome.code == 0
    (photo,) = json.loads(outcome.out)["photos"]
    assert (photo["file"], photo["faces"]) == ("nobody.jpg", [])
    assert not (photos / "-").exists()


def test_a_folder_is_read_though_one_of_its_photos_is_damaged(emotion_edge: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "a-broken.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    report = tmp_path / "report.json"
    outcome = emotion_edge("read", photos, "--json", report)
    assert outcome.code == 3
    assert "a-broken.jpg: not an image that can be read" in outcome.err
    assert "nobody.jpg: no face found" in outcome.out
    assert "two.png: 2 faces" in outcome.out
    assert [len(photo["faces"]) for photo in json.loads(report.read_text())["photos"]] == [0, 2]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.jpg"], 3, "missing.jpg: No such file or directory"),
        (["empty"], 3, "empty: no image in this folder; it takes .bmp"),
        (["photos/nobody.jpg", "--model", "none.tflite"], 4, "none.tflite: No such file"),
        (["photos/nobody.jpg", "--out", "photos/notes.txt"], 2, "notes.txt: cannot be made"),
        (["photos/nobody.jpg", "--json", "photos"], 2, "photos: cannot be written"),
        ([], 2, "PHOTO"),
    ],
)
def test_what_cannot_be_done_is_told(
    emotion_edge: Run, photos: Path, arguments: list[str], code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    (photos.parent / "empty").mkdir()
    outcome = emotion_edge("read", *arguments)
    assert outcome.code == code
    assert said in outcome.err


def test_a_name_that_would_steer_the_terminal_is_shown_harmless(emotion_edge: Run, photos: Path) -> None:
    os.rename(photos / "nobody.jpg", photos / "no\x1b[31mbody.jpg")  # noqa: PTH104  # the name is what is tested
    outcome = emotion_edge("read", photos / "no\x1b[31mbody.jpg")
    assert outcome.code == 0
    assert "\x1b" not in outcome.out


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_shows_all_of_each_face(width: int) -> None:
    face = PhotoFace(Rect(2893, 1650, 1024, 1024), -20.0, 0.97, "uncertain", {"surprise": 0.99, "contempt": 0.01})
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(FaceTable([face]))
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    assert "99% ████████████ surprise" in shown
    for part in ("face", "1024 px at 2893, 1650", "leans -20°", "uncertain", "score", "0.97"):
        assert part in shown
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width


def test_the_photos_of_a_folder_come_in_their_order(photos: Path) -> None:
    for name in ("p10.png", "p9.png"):
        (photos / name).touch()
    assert [file.name for file in photo_files([photos])] == ["nobody.jpg", "p9.png", "p10.png", "two.png"]


def test_a_name_that_is_no_utf_8_is_read_and_shown(emotion_edge: Run, photos: Path, tmp_path: Path) -> None:
    odd, report = tmp_path / os.fsdecode(b"b\xfc.jpg"), tmp_path / "report.json"
    shutil.copy(photos / "nobody.jpg", odd)
    outcome = emotion_edge("read", odd, "--json", report)
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(report.read_text("utf-8"))["photos"][0]["file"].endswith("/b\N{REPLACEMENT CHARACTER}.jpg")


def test_what_cannot_be_read_does_not_keep_the_others_from_being_read(
    emotion_edge: Run, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    long, report = tmp_path / f"{'x' * 300}.jpg", tmp_path / "report.json"
    outcome = emotion_edge("read", tmp_path / "empty", long, photos / "nobody.jpg", "--json", report)
    assert outcome.code == 3
    assert "empty: no image in this folder" in outcome.err
    assert "xx.jpg: File name too long" in outcome.err
    assert [photo["file"] for photo in json.loads(report.read_text())["photos"]] == [str(photos / "nobody.jpg")]
