from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.train.synthetic import call, grating
from train.__main__ import main
from train.datasets import DataError, folders, sequences
from train.datasets.ferplus import LABELS
from train.evaluate.models import faces_to_test
from train.recipes import DataConfig
from train.targets import training_examples, validation_examples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CK_NAMES = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
PEOPLE, FRAMES = 20, 3


def draw(path: Path, label: int, side: int = 48) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = cv2.resize(grating(label, np.random.default_rng(label)), (side, side))
    assert cv2.imwrite(str(path), picture)


@pytest.fixture
def ck(tmp_path: Path) -> Path:
    """A folder as CK+ is handed on: three frames of each sequence, nobody's face."""
    for person in range(PEOPLE):
        for number, name in enumerate(CK_NAMES[person % 3 :: 2]):
            for frame in range(FRAMES):
                draw(tmp_path / "ck" / name / f"S{person:03}_{number:03}_{frame + 7:08}.png", number, 64)
    folders.read.cache_clear()
    return tmp_path / "ck"


def test_nobody_is_in_two_splits(ck: Path) -> None:
    found = folders.read(ck)
    splits = {
        usage: {p for p, u in zip(found.people, found.usage, strict=True) if u == usage} for usage in set(found.usage)
    }
    assert set(splits) == {"Training", "PublicTest", "PrivateTest"}
    assert sum(map(len, splits.values())) == PEOPLE == len(set(found.people))
    counts = [len(folders.load(ck, split)) for split in ("Training", "PublicTest", "PrivateTest")]
    assert np.array(counts) / sum(counts) == pytest.approx(folders.SHARES, abs=0.06)
    assert found.faces.pixels.shape == (sum(counts), 48, 48)
    assert {LABELS[t] for t in found.faces.truth} == {
        "angry",
        "contempt",
        "disgust",
        "fear",
        "happy",
        "sad",
        "surprise",
    }


def test_the_split_is_the_same_whatever_else_is_there(ck: Path) -> None:
    before = dict(zip(folders.read(ck).people, folders.read(ck).usage, strict=True))
    draw(ck / "sadness" / "notes.png", 3)
    folders.read.cache_clear()
    after = dict(zip(folders.read(ck).people, folders.read(ck).usage, strict=True))
    assert sum(before[person] != after[person] for person in before) <= 1


def test_folders_of_splits_are_those_splits(tmp_path: Path) -> None:
    for split, count in (("train", 4), ("validation", 3), ("Test", 2)):
        for name in ("angry", "Neutral"):
            for number in range(count):
                draw(tmp_path / split / name / f"{number}.jpg", number)
    assert [len(folders.load(tmp_path, s)) for s in ("Training", "PublicTest", "PrivateTest")] == [8, 6, 4]


@pytest.mark.parametrize("other", ["sad", "eval/sad", "Set 2/Happiness"])
def test_faces_outside_the_folders_of_splits_are_told(other: str, tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        draw(tmp_path / split / "angry" / "1.png", 1)
    draw(tmp_path / other / "1.png", 2)
    name = other.partition("/")[0]
    with pytest.raises(DataError, match=rf"{name}: a folder of faces that is no split.*: train, training, val, "):
        folders.read(tmp_path)


def test_dev_and_testing_are_splits(tmp_path: Path) -> None:
    for split in ("train", "dev", "testing"):
        draw(tmp_path / split / "angry" / "1.png", 1)
    assert [len(folders.load(tmp_path, s)) for s in ("Training", "PublicTest", "PrivateTest")] == [1, 1, 1]


@pytest.mark.parametrize("within", [".", "train"])
@pytest.mark.parametrize("name", [".cache/angry", "__MACOSX/angry"])
def test_what_tools_leave_in_a_folder_is_passed_over(name: str, within: str, tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        draw(tmp_path / split / "angry" / "1.png", 1)
    draw(tmp_path / "notes" / "1.png", 1)
    draw(tmp_path / within / name / "1.png", 1)
    assert len(folders.read(tmp_path).faces) == 3


def test_fer2013_s_own_names_say_the_split(tmp_path: Path) -> None:
    for number in range(20):
        draw(tmp_path / "train" / "happy" / f"Training_{number}.jpg", 1)
    draw(tmp_path / "test" / "happy" / "PublicTest_77.jpg", 1)
    draw(tmp_path / "test" / "sad" / "PrivateTest_88.jpg", 2)
    assert [len(folders.load(tmp_path, s)) for s in ("Training", "PublicTest", "PrivateTest")] == [20, 1, 1]


def test_pictures_with_a_split_and_without_are_not_mixed(ck: Path) -> None:
    draw(ck / "happy" / "Training_12.png", 1)
    with pytest.raises(DataError, match=r"1 pictures have a split, .* and \d+ have none"):
        folders.read(ck)


def test_training_people_validate_where_no_folder_does(tmp_path: Path) -> None:
    for number in range(50):
        draw(tmp_path / "train" / "happy" / f"{number}.png", 1)
    draw(tmp_path / "test" / "sad" / "1.png", 2)
    assert [len(folders.load(tmp_path, s)) for s in ("Training", "PublicTest", "PrivateTest")] == [45, 5, 1]


def test_damaged_pictures_are_counted_and_told(ck: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (ck / "fear" / "S999_001_00000001.png").write_bytes(b"")
    (ck / "fear" / "S999_001_00000002.png").write_bytes(b"\x89PNG no more")
    enormous = b"P5 65535 65535 255\n"  # more pixels than OpenCV decodes
    (ck / "fear" / "S999_001_00000003.png").write_bytes(enormous)
    whole = len(folders.read(ck).faces)
    said = capsys.readouterr().err
    assert f"3 of {whole + 3} files are damaged and left out" in said
    assert "S999_001_00000001.png" in said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("angry/1.txt", b"x", "no picture is there"),
        ("angry/1.png", b"x", "none of 1 files is a picture"),
        ("cats/1.png", b"x", "not the name of a label"),
    ],
)
def test_a_wrong_folder_says_what_was_expected(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        folders.read(tmp_path)
    assert "expected folders of pictures named after labels (angry, " in str(error.value)


@pytest.mark.parametrize("name", ["absent", "x" * 300])
@pytest.mark.parametrize("read", [folders.read, sequences.read])
def test_a_folder_that_is_not_there_is_said(read: Callable[[Path], object], name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder of"):
        read(tmp_path / name)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        folders.read(tmp_path / "nowhere")


def test_too_few_people_are_told(tmp_path: Path) -> None:
    draw(tmp_path / "angry" / "S001_001_00000001.png", 1)
    with pytest.raises(DataError, match=r"no face is left for .*there are 1"):
        folders.read(tmp_path)


def test_names_that_are_no_utf_8_are_read_and_shown(
    ck: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count = len(folders.read(ck).faces)
    picture = ck / "sadness" / os.fsdecode(b"caf\xe9.png")
    draw(ck / "sadness" / "notes.png", 3)
    (ck / "sadness" / "notes.png").rename(picture)
    latin = ck.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    assert call(main, ["data", "--folder", str(latin), "--plot", str(tmp_path / "counts.png")]) == 0
    shown = capsys.readouterr().out
    assert "caf?" in shown.replace("\n", "")  # a long path is wrapped
    rows = {cells[0]: cells[1:] for cells in map(str.split, shown.splitlines()) if cells}
    assert sum(map(int, rows["all"])) == count + 1
    assert (tmp_path / "counts.png").exists()


def test_a_recipe_learns_from_a_folder(ck: Path, tmp_path: Path) -> None:
    data = DataConfig.model_validate({"training": "folder", "folder": str(ck)})
    nowhere = tmp_path / "none.csv"
    training, validation = training_examples(data, nowhere, nowhere, None), validation_examples(data, nowhere, nowhere)
    tests = faces_to_test(data, nowhere, nowhere)
    assert training.rows() == {"folder Training": len(training)}
    assert training.sources == {"folder": "ck", "damaged files": "0"}
    assert len(training) + len(validation) + len(tests["PrivateTest", "folder"]) == len(folders.read(ck).faces)
    for wrong in ({"training": "folder"}, {"folder": str(ck)}, {"training": "folder", "folder": str(ck), "clutter": 9}):
        with pytest.raises(ValueError, match="folder"):
            DataConfig.model_validate(wrong)


def test_the_faces_of_a_folder_are_counted(ck: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, ["data", "--folder", str(ck)]) == 0
    rows = {cells[0]: cells[1:] for cells in map(str.split, capsys.readouterr().out.splitlines()) if cells}
    assert sum(map(int, rows["all"])) == len(folders.read(ck).faces)
