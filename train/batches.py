"""Batches of training pictures, shuffled in each epoch and mixed where the recipe says so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.examples import Examples
    from train.recipes import ScheduleConfig


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """The batches of an epoch; each depends on seed, epoch and place alone, so a resumed run sees the same ones."""

    def __init__(self, examples: Examples, schedule: ScheduleConfig) -> None:
        """Take the pictures; the first epoch is started."""
        super().__init__()
        self._examples = examples
        self._schedule = schedule
        self.start(0)

    def start(self, epoch: int) -> None:
        """Shuffle for an epoch, counted from 0."""
        self._epoch = epoch
        random = np.random.default_rng((self._schedule.seed, epoch))
        self._order = random.permutation(len(self._examples))

    @property
    def is_light(self) -> bool:
        """Whether this epoch is one of the final ones, without mixup and with light augmentation."""
        return self._epoch >= self._schedule.epochs - self._schedule.light_epochs

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self._examples) / self._schedule.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return a batch: ``(B, 48, 48, 1)`` gray levels and ``(B, K)`` targets."""
        size = self._schedule.batch_size
        rows = self._order[index * size : (index + 1) * size]
        pixels = self._examples.pixels[rows].astype(np.float32)[..., None]
        targets = self._examples.targets[rows]
        if not self._schedule.mixup or self.is_light:
            return pixels, targets
        random = np.random.default_rng((self._schedule.seed, self._epoch, index + 1))
        share, other = _mixing(random, len(rows), self._schedule.mixup)
        return (
            share[:, None, None, None] * pixels + (1 - share)[:, None, None, None] * pixels[other],
            share[:, None] * targets + (1 - share)[:, None] * targets[other],
        )


def _mixing(random: np.random.Generator, count: int, alpha: float) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return each picture's own share, at least a half and for half of the pictures 1, and its partner's row."""
    share = random.beta(alpha, alpha, count).astype(np.float32)
    share = np.maximum(share, 1 - share)
    share[random.random(count) < 1 / 2] = 1
    return share, random.permutation(count)
