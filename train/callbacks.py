"""What happens between the epochs of a training."""

from __future__ import annotations

import time
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import keras

from train import memory
from train.checkpoint import save_weights
from train.optimizers import best_epoch, is_over, plateau_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from train.augment import Augmentation
    from train.batches import Batches
    from train.examples import Examples
    from train.recipes.schedule import ScheduleConfig


_DRAWS_OF_EPOCH = 1 << 20
"""More than a layer takes random numbers in an epoch."""


def start_random_numbers(layer: keras.layers.Layer, epoch: int) -> None:
    """Have a layer, and those in it, go on with the random numbers of an epoch, whatever they drew before.

    Keras keeps no random state in checkpoints: a run that goes on would draw those of its first epoch again.
    """
    for variable in layer.variables:
        if variable.name == "seed_generator_state":
            seed, _drawn = keras.ops.convert_to_numpy(variable)
            variable.assign([seed, epoch * _DRAWS_OF_EPOCH])


class StartEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Shuffle the batches for each epoch, draw its random numbers, and lighten the augmentation for the final ones."""

    def __init__(self, batches: Batches, augmentation: Augmentation | None) -> None:
        super().__init__()
        self._batches = batches
        self._augmentation = augmentation

    def on_epoch_begin(self, epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Start the epoch."""
        self._batches.start(epoch)
        start_random_numbers(self.model, epoch)
        if self._augmentation:
            self._augmentation.is_light.assign(float(self._batches.is_light))


class StartPhase(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Starts each phase of a schedule, and goes on in the middle of one."""

    def __init__(self, schedule: ScheduleConfig) -> None:
        super().__init__()
        starts = accumulate((phase.epochs for phase in schedule.phases[:-1]), initial=0)
        self._phases = dict(zip(starts, schedule.phases, strict=True))

    def on_epoch_begin(self, epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Tell the model what is frozen now."""
        if epoch in self._phases:
            self.model.optimizer.begin_phase()
        self.model.freeze([phase.frozen for start, phase in self._phases.items() if start <= epoch][-1])


class KeepFreedMemory(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Has what a step frees kept for the next one."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Keras names it
        """Act after an epoch's first step: by then TensorFlow has made the data set, which asks for the contrary."""
        if batch == 0:
            memory.keep_freed()


class EpochTime(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Adds the seconds that an epoch took, validation included, to its figures, so that a resumed run knows its time.

    The name is the last one of all in the order of the alphabet: logs of older versions can be gone on with.
    """

    def on_epoch_begin(self, _epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def on_epoch_end(self, _epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add ``wall_s``."""
        if logs is not None:
            logs["wall_s"] = round(time.monotonic() - self._start, 1)


class SeenFaces(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Evaluate training faces as validation faces are: without augmentation, with the averaged weights.

    Keras's own training figures are of augmented, mixed pictures, and of weights that change meanwhile: they are not
    comparable with those of validation.
    """

    def __init__(self, seen: Examples) -> None:
        super().__init__()
        self._seen = seen

    def on_epoch_end(self, _epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add each figure to the epoch's as ``seen_NAME``."""
        averaged = [keras.callbacks.SwapEMAWeights()]
        pixels, targets = self._seen.inputs(), self._seen.targets
        found = self.model.evaluate(pixels, targets, verbose=0, callbacks=averaged, return_dict=True)
        if logs is not None:
            logs |= {f"seen_{name}": value for name, value in found.items()}


class FollowValidation(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Lower the rate, keep the best epoch's weights and end the run early, where the schedule says so."""

    def __init__(
        self,
        schedule: ScheduleConfig,
        history: Callable[[], Mapping[str, list[float]]],
        network: keras.Model,
        best: Path,
    ) -> None:
        """Take what decides.

        Args:
            schedule: The recipe's.
            history: Returns the figures of all epochs in the log.
            network: What is trained.
            best: The file for the best epoch's weights.
        """
        super().__init__()
        self._schedule, self._history, self._network, self._best = schedule, history, network, best

    def on_epoch_begin(self, epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Set the rate."""
        if self._schedule.decay == "plateau":
            losses = self._history()["val_loss"][:epoch] if epoch else []
            self.model.optimizer.learning_rate = plateau_rate(self._schedule, losses)

    def on_epoch_end(self, epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Keep the weights, or stop."""
        if not self._schedule.stop_after:
            return
        accuracies = self._history()["val_accuracy"][: epoch + 1]
        if best_epoch(accuracies) == epoch:
            save_weights(self._network, self._best)
        self.model.stop_training = is_over(self._schedule, accuracies)


class TimeIsUp(Exception):  # noqa: N818  # nothing failed
    """A run ended before its last epoch, as there was no time left; the message says how far it came."""


class TimeLimit(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """End a run after the epoch behind which the time that is left is shorter than the longest epoch."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        super().__init__()
        self._end = time.monotonic() + seconds
        self._longest = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the time that is left is shorter than the longest epoch. The first one always starts."""
        return self._longest > 0 and time.monotonic() + self._longest > self._end

    def on_epoch_begin(self, _epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Start an epoch's clock."""
        self._begun = time.monotonic()

    def on_epoch_end(self, _epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Stop if the next epoch would take too long."""
        self._longest = max(self._longest, time.monotonic() - self._begun)
        if self.is_over:
            self.model.stop_training = True
