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

    def __init__(self, examples: Examples, schedule: ScheduleConfig, balance: str = "none") -> None:
        """Take the pictures; the first epoch is started.

        Args:
            examples: What is learned from.
            schedule: The recipe's.
            balance: As in a recipe's data.
        """
        super().__init__()
        self._balance = balance
        self._weights = None if balance == "none" else balancing_weights(examples)
        self._examples = examples
        self._schedule = schedule
        self.start(0)

    def start(self, epoch: int) -> None:
        """Shuffle for an epoch, counted from 0."""
        self._epoch = epoch
        random = np.random.default_rng((self._schedule.seed, epoch))
        count = len(self._examples)
        if self._weights is not None and self._balance == "sampling":
            self._order = random.choice(count, count, p=self._weights / self._weights.sum())
        else:
            self._order = random.permutation(count)

    @property
    def is_light(self) -> bool:
        """Whether this epoch is one of the final ones, without mixup and with light augmentation."""
        return self._epoch >= self._schedule.epochs - self._schedule.light_epochs

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self._examples) / self._schedule.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], ...]:
        """Return a batch: ``(B, 48, 48, 1)`` gray levels and ``(B, K)`` targets, or what tracks have instead.

        Of a recipe that is balanced by weights, ``(B,)`` weights follow.
        """
        size = self._schedule.batch_size
        rows = self._order[index * size : (index + 1) * size]
        pixels = self._examples.inputs(rows)
        batch: tuple[NDArray[np.float32], ...] = (pixels, self._examples.targets[rows])
        if self._weights is not None and self._balance == "weights":
            batch = (*batch, self._weights[rows].astype(np.float32))
        if not self._schedule.mixup or self.is_light:
            return batch
        random = np.random.default_rng((self._schedule.seed, self._epoch, index + 1))
        share, other = _mixing(random, len(rows), self._schedule.mixup)
        return tuple(_mixed(part, part[other], share) for part in batch)


def balancing_weights(examples: Examples) -> NDArray[np.float64]:
    """Return ``(N,)`` weights, with which each label of the first head counts as much; 1 on average, and for no label.

    Of votes, the most probable label counts.
    """
    targets, labelled = examples.targets[:, examples.heads[0].columns], examples.taught(examples.heads[0])
    labels = targets.argmax(axis=1)
    counts = np.bincount(labels[labelled], minlength=targets.shape[1])
    each = labelled.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.asarray(np.where(labelled, each[labels], 1.0))


def _mixed(one: NDArray[np.float32], other: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of two arrays, whose first axis has weights."""
    weight = share.reshape(-1, *[1] * (one.ndim - 1))
    return np.asarray(weight * one + (1 - weight) * other, np.float32)


def _mixing(random: np.random.Generator, count: int, alpha: float) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return each picture's own share, at least a half and for half of the pictures 1, and its partner's row."""
    share = random.beta(alpha, alpha, count).astype(np.float32)
    share = np.maximum(share, 1 - share)
    share[random.random(count) < 1 / 2] = 1
    return share, random.permutation(count)
