from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.train.synthetic import write_fer2013, write_ferplus
from train.datasets import DataError, LabelProtocol, Split, load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#            neutral happy surprise sad angry disgust fear contempt unknown NF
CLEAR = (0, 8, 1, 1, 0, 0, 0, 0, 0, 0)  # happy; the single votes are noise
TIED = (5, 0, 0, 5, 0, 0, 0, 0, 0, 0)  # neutral and sad: no majority, the first of equal wins the top vote
UNKNOWN = (0, 0, 0, 2, 0, 0, 0, 0, 8, 0)  # nobody could say
NOISE = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1)  # single votes only
NO_FACE = (0, 0, 0, 0, 0, 0, 0, 0, 0, 10)
CONTEMPT = (3, 0, 0, 0, 0, 0, 0, 7, 0, 0)
HALF = (0, 4, 2, 2, 0, 0, 0, 0, 0, 0)  # happy has half of the votes, not more


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    votes: Sequence[Sequence[int]] = (CLEAR, TIED, UNKNOWN, NOISE, NO_FACE, CONTEMPT, HALF, CLEAR)
    usage = ["Training"] * 7 + ["PublicTest"]
    faces = [(i % 7, np.full((48, 48), 10 * i, np.uint8), part) for i, part in enumerate(usage)]
    return write_fer2013(tmp_path / "fer2013.csv", faces), write_ferplus(tmp_path / "fer2013new.csv", votes)


def names(protocol: LabelProtocol, files: tuple[Path, Path], split: Split = "Training") -> list[tuple[int, str]]:
    """Row number, from its gray level, and label of each face."""
    faces = load(protocol, split, *files)
    return [(int(p[0, 0]) // 10, faces.labels[t]) for p, t in zip(faces.pixels, faces.truth, strict=True)]


def test_majority_wants_more_than_half(files: tuple[Path, Path]) -> None:
    assert names("ferplus-majority", files) == [(0, "happy"), (5, "contempt")]


def test_top_vote_takes_the_first_of_equals(files: tuple[Path, Path]) -> None:
    expected = [(0, "happy"), (1, "neutral"), (3, "neutral"), (5, "contempt"), (6, "happy")]
    assert names("ferplus-top", files) == expected


def test_fer2013_takes_every_row(files: tuple[Path, Path]) -> None:
    labels = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert names("fer2013", files) == list(enumerate(labels))


def test_training_learns_from_distributions_without_single_votes(files: tuple[Path, Path]) -> None:
    faces = load("ferplus", "Training", *files)
    assert [int(p[0, 0]) // 10 for p in faces.pixels] == [0, 1, 5, 6]
    assert dict(zip(faces.labels, faces.targets[0], strict=True))["happy"] == 1.0
    tied = dict(zip(faces.labels, faces.targets[1], strict=True))
    assert (tied["neutral"], tied["sad"]) == (0.5, 0.5)
    assert faces.targets.sum(axis=1) == pytest.approx(1)


def test_it_is_known_how_many_annotators_agree(files: tuple[Path, Path]) -> None:
    agreed = load("ferplus-top", "Training", *files).agreement
    assert agreed is not None
    assert agreed.tolist() == [8, 5, 1, 7, 4]
    chosen = load("ferplus-majority", "Training", *files).select(np.array([1])).agreement
    assert chosen is not None
    assert chosen.tolist() == [7]
    assert load("fer2013", "Training", *files).agreement is None


def test_splits_do_not_mix(files: tuple[Path, Path]) -> None:
    assert names("ferplus-majority", files, "PublicTest") == [(7, "happy")]
    assert names("ferplus-majority", files, "PrivateTest") == []


def test_the_archive_gives_what_the_csv_gives(files: tuple[Path, Path], tmp_path: Path) -> None:
    archive = tmp_path / "fer2013.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(files[0], "fer2013/fer2013.csv")
    assert names("ferplus-top", (archive, files[1])) == names("ferplus-top", files)


def test_missing_files_are_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("nowhere.csv", f"{'x' * 300}nowhere.csv"):
        with pytest.raises(DataError, match=r"nowhere\.csv"):
            load("fer2013", "Training", tmp_path / name, files[1])
    with pytest.raises(DataError, match=r"novotes\.csv"):
        load("ferplus", "Training", files[0], tmp_path / "novotes.csv")


BLACK = "0 " * 2303 + "0"


@pytest.mark.parametrize(
    "row",
    [
        "0,1 2 3,Training",
        "0,,Training",
        ",,",
        "0",
        f"happy,{BLACK},Training",
        f"9,{BLACK},Training",
        f"-1,{BLACK},Training",
        f"0,{BLACK[:-1]}300,Training",
        f"0,{BLACK[:-1]}-1,Training",
        f"0,{BLACK[:-1]}65541,Training",
        f"0,{BLACK} x,Training",
        f"0,{BLACK},Tuesday",
    ],
)
def test_a_damaged_row_is_told_by_its_line(row: str, files: tuple[Path, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.csv"
    damaged.write_text(files[0].read_text() + row + "\n")
    with pytest.raises(
        DataError, match=r"damaged\.csv, line 10: .*; 1 of 9 rows are damaged; expected is fer2013\.csv"
    ):
        load("fer2013", "Training", damaged, files[1])


def test_a_few_damaged_rows_are_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = 250
    faces = [(i % 7, np.full((48, 48), i, np.uint8), "Training") for i in range(count)]
    votes = [CLEAR if i % 2 else CONTEMPT for i in range(count)]
    file = write_fer2013(tmp_path / "some.csv", faces)
    lines = file.read_text().splitlines()
    lines[2], lines[100] = lines[2].replace(",Training", ",Tuesday"), "0,1 2 3,Training"
    file.write_text("\n".join(lines) + "\n")
    both = (file, write_ferplus(tmp_path / "votes.csv", votes))
    found = load("ferplus-majority", "Training", *both)
    assert len(found) == count - 2
    levels = found.pixels[:, 0, 0].tolist()
    assert levels == [i for i in range(count) if i not in {1, 99}]
    assert all(
        found.labels[t] == ("happy" if level % 2 else "contempt") for level, t in zip(levels, found.truth, strict=True)
    )
    said = capsys.readouterr().err
    assert "2 of 250 rows are damaged and left out; line 3: " in said


def test_a_truncated_archive_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.tar.gz", tmp_path / "cut.tar.gz"
    with tarfile.open(whole, "w:gz") as tar:
        tar.add(files[0], "fer2013/fer2013.csv")
    cut.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"cut\.tar\.gz"):
        load("fer2013", "Training", cut, files[1])


@pytest.mark.parametrize("place", [0.5, 1.0], ids=["its middle", "its checksum"])
def test_a_damaged_archive_is_refused(place: float, tmp_path: Path) -> None:
    csv = write_fer2013(
        tmp_path / "some.csv", [(i % 7, np.full((48, 48), i, np.uint8), "Training") for i in range(250)]
    )
    archive = tmp_path / "damaged.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(csv, "fer2013/fer2013.csv")
    content = bytearray(archive.read_bytes())
    content[int((len(content) - 6) * place)] ^= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged\.tar\.gz"):
        load("fer2013", "Training", archive, tmp_path)


def test_a_file_of_one_endless_line_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    endless = tmp_path / "endless.csv"
    endless.write_text("emotion,pixels,Usage\n" + "1" * 200_000)
    with pytest.raises(DataError, match=r"endless\.csv: not FER2013's"):
        load("fer2013", "Training", endless, files[1])
    with pytest.raises(DataError, match=r"endless\.csv: not FER\+"):
        load("ferplus", "Training", files[0], endless)


def test_a_message_repeats_no_whole_row(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(f"emotion,pixels,Usage\n0,{BLACK},{'1 ' * 5000}\n")
    with pytest.raises(DataError) as raised:
        load("fer2013", "Training", other, files[1])
    assert len(str(raised.value)) < 500


def test_votes_for_another_number_of_faces_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 rows of votes for 8 faces"):
        load("ferplus", "Training", files[0], write_ferplus(tmp_path / "short.csv", [CLEAR, TIED]))


def test_a_votes_file_without_its_columns_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"other\.csv: not FER\+"):
        load("ferplus", "Training", files[0], other)


@pytest.mark.faces
@pytest.mark.parametrize(
    ("protocol", "split", "count"),
    [
        ("ferplus-majority", "PrivateTest", 3153),
        ("ferplus-top", "PrivateTest", 3546),
        ("fer2013", "PrivateTest", 3589),
        ("fer2013", "PublicTest", 3589),
        ("fer2013", "Training", 28709),
    ],
)
def test_published_counts(protocol: LabelProtocol, split: Split, count: int, real_data: tuple[Path, Path]) -> None:
    faces = load(protocol, split, *real_data)
    assert len(faces) == count
    if protocol == "ferplus-majority":
        assert (faces.truth == faces.labels.index("contempt")).sum() == 16
