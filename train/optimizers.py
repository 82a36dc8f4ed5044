"""The optimizer of a schedule, and what the validation figures of finished epochs decide.

Both are functions of the figures in the log, not of what happened in this process, so a resumed run goes on as an
unbroken one would have. Keras' own callbacks for it forget what they counted.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from train.recipes.schedule import PhaseConfig, ScheduleConfig

_LEAST_FALL = 1e-4
"""By how much a loss must fall to count as lower, as in Keras' ReduceLROnPlateau."""


def make_optimizer(schedule: ScheduleConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Return the optimizer, with the rate of the whole run or, of a plateau, that of the first epoch."""
    rate, average = _rate(schedule, steps_per_epoch), {"use_ema": True, "ema_momentum": schedule.ema_momentum}
    if schedule.optimizer == "adam":
        return PartwiseAdam(schedule.rates, schedule.phases, steps_per_epoch, learning_rate=rate, **average)
    optimizer = PartwiseAdamW(schedule.rates, learning_rate=rate, weight_decay=schedule.weight_decay, **average)
    # Normalisation's scales and all biases are not decayed: they cannot overfit, and decay fights them.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _rate(schedule: ScheduleConfig, steps_per_epoch: int) -> Any:
    if schedule.phases:
        return Phases(schedule.phases, steps_per_epoch)
    return _cosine(schedule, steps_per_epoch) if schedule.decay == "cosine" else schedule.learning_rate


def _cosine(schedule: ScheduleConfig, steps_per_epoch: int) -> keras.optimizers.schedules.CosineDecay:
    warmup = math.floor(schedule.warmup_epochs * steps_per_epoch)  # less than all steps, however few there are
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=schedule.learning_rate,
        warmup_steps=warmup,
        decay_steps=schedule.epochs * steps_per_epoch - warmup,
    )


class Phases(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # keras has no types
    """A cosine for each phase, one after the other."""

    def __init__(self, phases: Sequence[PhaseConfig], steps_per_epoch: int) -> None:
        self.parts = [
            (steps, keras.optimizers.schedules.CosineDecay(phase.learning_rate, steps))
            for phase, steps in ((phase, phase.epochs * steps_per_epoch) for phase in phases)
        ]

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step."""
        step, start, rate = ops.cast(step, "float32"), 0, 0.0
        for steps, decay in self.parts:
            rate = ops.where(step >= start, decay(ops.maximum(step - start, 0.0)), rate)
            start += steps
        return rate


class _Partwise:
    """Multiplies the rate of some variables; undoes the climb of `train.sharpness` before it uses a gradient."""

    def __init__(self, rates: Mapping[str, float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rates = dict(rates)
        self._climb: Sequence[Any] = ()

    @contextmanager
    def climbed(self, climb: Sequence[Any]) -> Iterator[None]:
        """Take the gradients that come in the meantime as those of weights to which this was added; it is taken off."""
        self._climb = climb
        try:
            yield
        finally:
            self._climb = ()

    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> None:
        """Change all variables."""
        for variable, step in zip(self._trainable_variables, self._climb, strict=bool(self._climb)):
            variable.assign_sub(step)
        super().apply(grads, trainable_variables)  # type: ignore[misc]  # Keras' own

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Change one variable."""
        path = self._trainable_variables[self._get_variable_index(variable)].path
        super().update_step(gradient, variable, learning_rate * self._share(path))  # type: ignore[misc]  # Keras' own

    def _share(self, path: str) -> Any:
        return next((rate for start, rate in self._rates.items() if path.startswith(start)), 1.0)


class PartwiseAdam(_Partwise, keras.optimizers.Adam):  # type: ignore[misc]  # keras has no types
    """Adam with a rate for each part of a network; each phase begins as with an optimizer of its own."""

    def __init__(self, rates: Mapping[str, float], phases: Sequence[PhaseConfig], steps: int, **kwargs: Any) -> None:
        super().__init__(rates, **kwargs)
        starts = accumulate((phase.epochs * steps for phase in phases[:-1]), initial=0)
        self._phases = [
            (start, start + phase.epochs * steps, phase.frozen) for start, phase in zip(starts, phases, strict=False)
        ]

    def begin_phase(self: Any) -> None:
        """Forget the averages of earlier phases."""
        for average in [*self._momentums, *self._velocities]:
            average.assign(ops.zeros(average.shape, average.dtype))

    def _share(self: Any, path: str) -> Any:
        share = super()._share(path)
        steps = ops.cast(self.iterations + 1, "float32")
        for start, end, frozen in self._phases:
            # Keras corrects the averages' start at 0 by the steps of the run; they began with the phase.
            correction = self._correction(ops.maximum(steps - start, 1.0)) / self._correction(steps)
            in_phase = ops.logical_and(self.iterations >= start, self.iterations < end)
            share = share * ops.where(in_phase, 0.0 if path.startswith(frozen) else correction, 1.0)
        return share

    def _correction(self, steps: Any) -> Any:
        """Return the factor that undoes the averages' start at 0 (Kingma and Ba, section 2)."""
        return ops.sqrt(1 - self.beta_2**steps) / (1 - self.beta_1**steps)


class PartwiseAdamW(_Partwise, keras.optimizers.AdamW):  # type: ignore[misc]  # keras has no types
    """AdamW with a rate for each part of a network; all parts decay by the whole rate."""


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
