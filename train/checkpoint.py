"""What a run goes on from: the weights and the optimizer after its last finished epoch, in one file.

The optimizer's count of steps is in it and says which epoch that was, so no second file can contradict it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from edge.files import sync_folder
from edge.text import first_line
from train.datasets import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "latest.weights.h5"
"""The name and the form are those of Keras' BackupAndRestore, which older versions used: their runs can be resumed."""


class SaveCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Saves the weights and the optimizer after each epoch."""

    def __init__(self, folder: Path, log: Path) -> None:
        """Take the places.

        Args:
            folder: Where the checkpoint is written.
            log: The run's log, which has a row of the epoch by then; it survives a power cut if the checkpoint does.
        """
        super().__init__()
        self._folder, self._log = folder, log

    def on_epoch_end(self, _epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Save them."""
        _sync(self._log)
        self._folder.mkdir(parents=True, exist_ok=True)
        save_weights(self.model, self._folder / FILE)


def save_weights(model: keras.Model, path: Path) -> None:
    """Write a ``.weights.h5`` file as `save_whole` does."""
    save_whole(model.save_weights, path)


def save_whole(save: Callable[[Path], None], path: Path) -> None:
    """Have a file written whole or not at all, and sync it: after the return a power cut does not undo it.

    Args:
        save: Writes the file to a path, which ends as `path` does.
        path: Where it is to be.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        whole = Path(scratch) / path.name
        save(whole)
        _sync(whole)
        whole.replace(path)
    sync_folder(path.parent)


def restore(model: keras.Model, folder: Path, steps_per_epoch: int) -> int:
    """Set a compiled model and its optimizer to a run's checkpoint.

    Returns:
        How many epochs are finished; 0 where there is no checkpoint.

    Raises:
        DataError: The checkpoint is damaged, or was made with other data.
    """
    path = folder / FILE
    if not path.exists():
        return 0
    _load(model, path)
    steps = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
    if not steps or steps % steps_per_epoch:
        message = (
            f"{path}: {steps:,} steps are no whole epochs of {steps_per_epoch:,}: the run began with other data; "
            "write --fresh to start over"
        )
        raise DataError(message)
    return steps // steps_per_epoch


def _load(model: keras.Model, path: Path) -> None:
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError) as error:  # whatever h5py and Keras raise
        before = path.with_name(f"{path.name}.bkp")  # BackupAndRestore kept the checkpoint before
        if before.exists():
            before.replace(path)
            _load(model, path)
            return
        message = f"{path}: this checkpoint is damaged: {first_line(error)}; write --fresh to start over"
        raise DataError(message) from error


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
