"""The optimizer of a schedule, and what the validation figures of finished epochs decide.

Both are functions of the figures in the log, not of what happened in this process, so a resumed run goes on as an
unbroken one would have. Keras' own callbacks for it forget what they counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from train.recipes.schedule import ScheduleConfig

_LEAST_FALL = 1e-4
"""By how much a loss must fall to count as lower, as in Keras' ReduceLROnPlateau."""


def make_optimizer(schedule: ScheduleConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Return the optimizer, with the rate of the whole run or, of a plateau, that of the first epoch."""
    rate = _cosine(schedule, steps_per_epoch) if schedule.decay == "cosine" else schedule.learning_rate
    average = {"use_ema": True, "ema_momentum": schedule.ema_momentum}
    if schedule.optimizer == "adam":
        return keras.optimizers.Adam(rate, **average)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay, **average)
    # Normalisation's scales and all biases are not decayed: they cannot overfit, and decay fights them.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _cosine(schedule: ScheduleConfig, steps_per_epoch: int) -> keras.optimizers.schedules.CosineDecay:
    warmup = math.floor(schedule.warmup_epochs * steps_per_epoch)  # less than all steps, however few there are
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=schedule.learning_rate,
        warmup_steps=warmup,
        decay_steps=schedule.epochs * steps_per_epoch - warmup,
    )


def plateau_rate(schedule: ScheduleConfig, losses: Sequence[float]) -> float:
    """Return the rate that follows the validation losses of all finished epochs, as ReduceLROnPlateau would have it."""
    rate, best, waited = schedule.learning_rate, math.inf, 0
    for loss in losses:
        if loss < best - _LEAST_FALL:
            best, waited = loss, 0
            continue
        waited += 1
        if waited == schedule.plateau_patience:
            rate, waited = rate * schedule.plateau_factor, 0
    return rate


def best_epoch(accuracies: Sequence[float]) -> int:
    """Return the first epoch, counted from 0, with the highest validation accuracy."""
    return int(np.argmax(accuracies))


def is_over(schedule: ScheduleConfig, accuracies: Sequence[float]) -> bool:
    """Return whether a run stops early after these validation accuracies."""
    return bool(schedule.stop_after) and len(accuracies) - 1 - best_epoch(accuracies) >= schedule.stop_after
