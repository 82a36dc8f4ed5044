"""The loss and the accuracy of a network with several heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from edge.inference.outputs import FACE

if TYPE_CHECKING:
    from train.targets import Head

_SURE = 0.98
"""Largest target of the face score: its logits then stay in the range of the others, and int8 steps are fine."""


class HeadsLoss(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """Weighted sum of each head's cross-entropy; binary for the face score."""

    def __init__(self, heads: tuple[Head, ...]) -> None:
        super().__init__(name="loss")
        self.heads = heads

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return ``(N,)`` losses; a head whose targets are zero adds nothing."""
        total = 0.0
        for head in self.heads:
            targets, logits = y_true[:, head.columns], y_pred[:, head.columns]
            if head.name == FACE:
                targets = 1 - _SURE + targets * (2 * _SURE - 1)
                loss = ops.binary_crossentropy(targets, logits, from_logits=True)
            else:
                loss = -targets * ops.log_softmax(logits, axis=-1)
            total += head.weight * ops.sum(loss, axis=-1)
        return total


class MainCrossEntropy(keras.metrics.Mean):  # type: ignore[misc]  # keras has no types
    """Cross-entropy of the first head with its labels, over the pictures that have labels for it."""

    def __init__(self, heads: tuple[Head, ...]) -> None:
        super().__init__(name="cross_entropy")
        self.columns = heads[0].columns

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        targets, logits = y_true[:, self.columns], y_pred[:, self.columns]
        losses = -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)
        known = ops.cast(ops.sum(targets, axis=-1) > 0, self.dtype)
        super().update_state(losses, known if sample_weight is None else known * sample_weight)


class MainAccuracy(keras.metrics.Mean):  # type: ignore[misc]  # keras has no types
    """Accuracy of the first head, over the pictures that have labels for it."""

    def __init__(self, heads: tuple[Head, ...]) -> None:
        super().__init__(name="accuracy")
        self.columns = heads[0].columns

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        targets, logits = y_true[:, self.columns], y_pred[:, self.columns]
        right = ops.equal(ops.argmax(targets, axis=-1), ops.argmax(logits, axis=-1))
        known = ops.cast(ops.sum(targets, axis=-1) > 0, self.dtype)
        super().update_state(ops.cast(right, self.dtype), known if sample_weight is None else known * sample_weight)
