"""Tracks of a made-up folder of CK+'s form: nobody's face is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.train.synthetic import Run, call, grating
from tests.train.tracks.test_tracks import write
from train import kept, recipes, report
from train.__main__ import main
from train.datasets import DataError, sequences
from train.datasets.ferplus import LABELS
from train.datasets.folders import NAMES
from train.recipes.tracks import TracksConfig
from train.tracks.compare import NETWORK
from train.tracks.sequences import SequenceTracks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHOWN = ("anger", "happy", "surprise")
NEUTRAL = LABELS.index("neutral")
PEOPLE = 10
STILL = TracksConfig(drift=0, turn_degrees=0, neighbour=0, motion_blur=0, noise=0)


def blend(label: int, share: float, person: int) -> NDArray[np.uint8]:
    """A face between neutral and a peak."""
    random = np.random.default_rng(person)
    first, last = grating(NEUTRAL, random), grating(label, random)
    return np.asarray((1 - share) * first + share * last, np.uint8)


@pytest.fixture
def ck(tmp_path: Path) -> Path:
    """Ten people with a sequence of each expression, of 5 to 14 frames; some sessions have folders of their own."""
    for person in range(PEOPLE):
        for session, name in enumerate(SHOWN, start=1):
            inside = tmp_path / "ck" / name / (f"S{person:03}/{session:03}" if person % 2 else "")
            inside.mkdir(parents=True, exist_ok=True)
            count, label = 5 + person, LABELS.index(NAMES[name])
            for frame in range(count):
                face = cv2.resize(blend(label, frame / (count - 1), person), (64, 64))
                assert cv2.imwrite(str(inside / f"S{person:03}_{session:03}_{frame + 1:08}.png"), face)
    sequences.read.cache_clear()
    return tmp_path / "ck"


def test_a_sequence_has_its_frames_in_order_and_nobody_is_in_two_splits(ck: Path) -> None:
    found = sequences.read(ck)
    assert len(found) == PEOPLE * len(SHOWN)
    assert sorted(map(len, found.frames)) == sorted([5 + person for person in range(PEOPLE)] * len(SHOWN))
    splits = {usage: set(sequences.load(ck, usage).people) for usage in ("Training", "PublicTest", "PrivateTest")}
    assert [len(people) for people in splits.values()] == [7, 2, 1]
    assert set.union(*splits.values()) == set(found.people)
    for frames, label in zip(found.frames, found.truth, strict=True):
        away = [float(np.abs(frame.astype(int) - frames[0]).mean()) for frame in frames]
        assert away == sorted(away)  # from neutral to the peak
        assert LABELS[label] in {"angry", "happy", "surprise"}


def test_a_track_begins_neutral_and_ends_at_the_peak(ck: Path) -> None:
    shown = SequenceTracks(sequences.read(ck), "Training")
    for number in range(12):
        track = shown.track(number, STILL, number)
        assert track.kind == "build-up"
        assert track.frames.shape == (24, 48, 48)
        assert (track.truth[0], track.truth[-1]) == (NEUTRAL, shown.sequences.truth[number])
        (changes,) = np.flatnonzero(np.diff(track.truth))
        # 5 to 14 frames of 30 a second are two to five of ten a second: before and after them the face stands.
        moves = np.flatnonzero(np.abs(np.diff(track.frames.astype(int), axis=0)).mean(axis=(1, 2)) > 0)
        assert len(moves) <= 6
        assert moves[0] - 1 <= changes <= moves[-1] + 1
    one, again, other = (shown.track(3, TracksConfig(), number) for number in (1, 1, 2))
    assert np.array_equal(one.frames, again.frames)
    assert not np.array_equal(one.frames, other.frames)
    elsewhere = SequenceTracks(shown.sequences, "PrivateTest").track(3, TracksConfig(), 1)
    assert not np.array_equal(one.frames, elsewhere.frames)


def test_a_sequence_is_as_fast_as_its_frames_say(ck: Path) -> None:
    shown = SequenceTracks(sequences.read(ck), "Training")
    longest = max(range(len(shown)), key=lambda row: len(shown.sequences.frames[row]))
    moves = [
        np.abs(
            np.diff(shown.track(longest, STILL.model_copy(update={"folder_fps": fps}), 1).frames.astype(int), axis=0)
        )
        for fps in (10.0, 30.0)
    ]
    slow, fast = (int((move.mean(axis=(1, 2)) > 0).sum()) for move in moves)
    assert slow == pytest.approx(3 * fast, abs=3)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("anger/S001_001.png", "not the name of a sequence's frame"),
        ("cats/S001_001_00000001.png", "not the name of a label"),
        ("anger/S001_001_00000001.png", "anger/S001_001 has 1 frame"),
        ("anger/notes.txt", "no picture is there"),
    ],
)
def test_another_folder_says_what_was_expected(name: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir()
    assert cv2.imwrite(f"{path}.png", blend(0, 0, 1))
    (tmp_path / f"{name}.png").rename(path)
    with pytest.raises(DataError, match=said):
        sequences.read(tmp_path)


def test_damaged_frames_are_left_out_and_told(ck: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (ck / "anger" / "S000_001_00000003.png").write_bytes(b"\x89PNG no more")
    assert min(map(len, sequences.read(ck).frames)) == 4
    assert "1 of 285 files are damaged and left out" in capsys.readouterr().err


def test_a_network_over_frames_learns_from_a_folder(ck: Path, trained: Run, tmp_path: Path) -> None:
    recipe, out = write(trained, tmp_path, "cnn_gru"), tmp_path / "runs" / "cnn_gru"
    recipe.write_text(recipe.read_text().replace('training = "ferplus"', f'training = "folder"\nfolder = "{ck}"'))
    assert call(main, ["fit", str(recipe), *trained.data, "--out", str(out)]) == 0
    written = report.read(out / "cnn_gru.json")
    assert written.tracks is not None
    assert written.tracks.tracks == written.metrics["PrivateTest"]["folder"].n == len(SHOWN)  # of one person
    assert set(written.tracks.ways[NETWORK].by_kind) == {"build-up"}
    assert written.sources["folder"] == "ck"
    assert kept.load(out / "cnn_gru.npz").recipe.data.folder == ck


@pytest.mark.parametrize("name", ["cnn_gru", "cnn_transformer"])
def test_the_recipe_for_a_folder_is_that_for_stills_but_for_its_data(name: str) -> None:
    plain, folder = (recipes.load(recipes.FOLDER / f"{name}{end}.toml") for end in ("", "_folder"))
    assert folder.data.folder is not None
    for part in ("network", "loss", "augment", "schedule"):
        assert getattr(folder, part) == getattr(plain, part)
