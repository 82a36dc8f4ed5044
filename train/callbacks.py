"""What happens between the epochs of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from train.augment import Augmentation
    from train.batches import Batches
    from train.targets import Examples


class StartEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Shuffle the batches for each epoch, and lighten the augmentation for the final ones."""

    def __init__(self, batches: Batches, augmentation: Augmentation) -> None:
        super().__init__()
        self._batches = batches
        self._augmentation = augmentation

    def on_epoch_begin(self, epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Start the epoch."""
        self._batches.start(epoch)
        self._augmentation.is_light.assign(float(self._batches.is_light))


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
        pixels, targets = self._seen.pixels[..., None], self._seen.targets
        found = self.model.evaluate(pixels, targets, verbose=0, callbacks=averaged, return_dict=True)
        if logs is not None:
            logs |= {f"seen_{name}": value for name, value in found.items()}
