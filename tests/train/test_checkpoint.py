from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from train.checkpoint import FILE, SaveCheckpoint, restore, save_weights
from train.datasets import DataError

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 2


def model() -> keras.Model:
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    made.compile("adam", "mse")
    made.optimizer.build(made.trainable_variables)
    return made


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the checkpoints after two epochs: ours, and that of Keras."""
    folder = tmp_path_factory.mktemp("kept")
    ours, theirs, log = folder / "ours", folder / "theirs", folder / "log.csv"
    log.touch()
    keeping = [
        SaveCheckpoint(ours, log),
        keras.callbacks.BackupAndRestore(theirs, delete_checkpoint=False, double_checkpoint=True),
    ]
    data = np.ones((STEPS, 1))
    model().fit(data, data, batch_size=1, epochs=2, verbose=0, callbacks=keeping)
    return ours, theirs


@pytest.fixture
def ours(kept: tuple[Path, Path], tmp_path: Path) -> Path:
    return shutil.copytree(kept[0], tmp_path / "ours")


@pytest.fixture
def theirs(kept: tuple[Path, Path], tmp_path: Path) -> Path:
    return shutil.copytree(kept[1], tmp_path / "theirs")


def test_the_epoch_is_in_the_one_file_that_there_is(ours: Path, tmp_path: Path) -> None:
    assert [path.name for path in ours.iterdir()] == [FILE]
    assert restore(model(), ours, STEPS) == 2
    assert restore(model(), tmp_path / "none", STEPS) == 0


@pytest.mark.parametrize("number", ["", '{"epoch": 1}', None])
def test_checkpoints_of_older_versions_count_by_their_weights(theirs: Path, ours: Path, number: str | None) -> None:
    beside = theirs / "training_metadata.json"
    beside.unlink()
    if number is not None:
        beside.write_text(number)
    one, other = model(), model()
    assert restore(one, theirs, STEPS) == restore(other, ours, STEPS) == 2
    assert all(map(np.array_equal, one.get_weights(), other.get_weights()))


def test_of_an_older_version_the_checkpoint_before_takes_the_place_of_a_damaged_one(theirs: Path) -> None:
    (theirs / FILE).write_bytes(b"")
    assert restore(model(), theirs, STEPS) == 1
    assert restore(model(), theirs, STEPS) == 1


@pytest.mark.parametrize("kept_bytes", [0, 1000])
def test_a_damaged_checkpoint_is_one_sentence(ours: Path, kept_bytes: int) -> None:
    file = ours / FILE
    file.write_bytes(file.read_bytes()[:kept_bytes])
    with pytest.raises(DataError, match=r"latest\.weights\.h5: this checkpoint is damaged: .*--fresh"):
        restore(model(), ours, STEPS)


def test_a_checkpoint_of_other_data_is_refused(ours: Path) -> None:
    with pytest.raises(DataError, match="4 steps are no whole epochs of 3"):
        restore(model(), ours, 3)


def test_what_is_there_stays_until_the_new_one_is_whole(ours: Path) -> None:
    class DiskIsFull:
        def save_weights(self, path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        save_weights(DiskIsFull(), ours / FILE)
    assert restore(model(), ours, STEPS) == 2
