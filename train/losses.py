"""The loss and the accuracy of a network with several heads."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from edge.inference.labels import FACE
from train.priors import logit_shifts
from train.recipes.loss import LossConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from train.heads import Head

_SURE = 0.98
"""Largest target of the face score: its logits then stay in the range of the others, and int8 steps are fine."""


@dataclass(frozen=True)
class Distillation:
    """How teachers' answers are learned; `y_pred` has them in as many columns after the logits."""

    weight: float
    """Of the answers; that of the labels is 1 less it."""

    temperature: float
    taught: frozenset[str]
    """Names of the heads that have answers."""


class HeadsLoss(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """Weighted sum of each head's loss with its labels and, with teachers' answers, its cross-entropy.

    That of the face score is binary.
    """

    def __init__(
        self,
        heads: tuple[Head, ...],
        distillation: Distillation | None = None,
        config: LossConfig | None = None,
        priors: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        """Take what decides the loss.

        Args:
            heads: The network's.
            distillation: How teachers' answers are learned; None: there are none.
            config: The recipe's; None: its defaults.
            priors: Share of each emotion in training, by head, for the recipe's `logit_adjustment`.
        """
        super().__init__(name="loss")
        self.heads = heads
        self.distillation = distillation
        self.config = config or LossConfig()
        tau, known = self.config.logit_adjustment, priors or {}
        self._shifts = {head.name: logit_shifts(known.get(head.name, {}), head.labels, tau) for head in heads if tau}

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return ``(N,)`` losses, ``(N, T)`` of tracks; where a head's targets are zero, teachers alone add any."""
        total = 0.0
        for head in self.heads:
            targets, logits = y_true[..., head.columns], y_pred[..., head.columns]
            if head.name in self._shifts:
                logits = ops.add(logits, self._shifts[head.name])  # not in place: on PyTorch they are part of y_pred
            loss = _face_loss(targets, logits) if head.name == FACE else label_loss(targets, logits, self.config)
            if self.distillation and head.name in self.distillation.taught:
                weight = self.distillation.weight
                loss = (1 - weight) * loss + self._answered(head, y_true, y_pred, self.distillation)
            total += head.weight * loss
        return total

    def _answered(self, head: Head, y_true: Any, y_pred: Any, distillation: Distillation) -> Any:
        """Return the losses with the answers; times the temperature's square their gradients stay as large."""
        behind = self.heads[-1].columns.stop
        answers = y_pred[:, behind + head.columns.start : behind + head.columns.stop]
        logits = y_pred[:, head.columns] / distillation.temperature
        square = distillation.temperature**2
        if head.name == FACE:
            return distillation.weight * square * _binary(ops.clip(answers, 1 - _SURE, _SURE), logits)
        # A face without labels has the answers alone; what is no face has none.
        labelled = ops.sum(y_true[:, head.columns], axis=-1)
        weight = (1 - (1 - distillation.weight) * labelled) * self._is_face(y_true, labelled)
        return weight * square * _cross_entropy(answers, logits)

    def _is_face(self, y_true: Any, labelled: Any) -> Any:
        face = next((head for head in self.heads if head.name == FACE), None)
        return y_true[:, face.columns.start] if face else ops.ones_like(labelled)


def label_loss(targets: Any, logits: Any, config: LossConfig) -> Any:
    """Return the losses, ``(..., )``, of ``(..., C)`` logits; 0 for a row of targets that is 0, which has no label."""
    labelled = ops.sum(targets, axis=-1)
    smoothing = config.label_smoothing
    targets = (1 - smoothing) * targets + smoothing / targets.shape[-1] * labelled[..., None]
    if config.kind == "focal":
        # Keras' factor alpha weighs the loss as a whole.
        return keras.losses.categorical_focal_crossentropy(
            targets, logits, alpha=1.0, gamma=config.focal_gamma, from_logits=True
        )
    if config.kind == "squared_hinge":
        return labelled * _squared_hinge(targets, logits)
    return _cross_entropy(targets, logits)


def _squared_hinge(targets: Any, logits: Any) -> Any:
    """Return the mean over the labels; a target of 0.7 is seven faces with the label and three without."""
    yes, no = ops.square(ops.relu(1 - logits)), ops.square(ops.relu(1 + logits))
    return ops.mean(targets * yes + (1 - targets) * no, axis=-1)


def _cross_entropy(targets: Any, logits: Any) -> Any:
    return -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)


def _face_loss(targets: Any, logits: Any) -> Any:
    return _binary(1 - _SURE + targets * (2 * _SURE - 1), logits)


def _binary(targets: Any, logits: Any) -> Any:
    return ops.sum(ops.binary_crossentropy(targets, logits, from_logits=True), axis=-1)


class AttentionLoss(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Adds the attention loss of a network's maps to what is made small, and returns the logits as they are."""

    def __init__(self, weight: float) -> None:
        super().__init__(dtype="float32", name="attention_loss")
        self.weight = weight

    def call(self, inputs: Any) -> Any:
        """Take logits, then maps."""
        logits, *maps = inputs
        self.add_loss(self.weight * attention_loss(maps))
        return logits

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the logits' shape."""
        return input_shape[0]


def attention_loss(maps: Sequence[Any]) -> Any:
    """Return the reciprocal of the sum of the mean squared differences of all pairs of ``(N, H, W, C)`` maps."""
    return 1 / (sum(ops.mean(ops.square(a - b)) for a, b in combinations(maps, 2)) + keras.config.epsilon())


class _MainMetric(keras.metrics.Mean):  # type: ignore[misc]  # keras has no types
    """Mean of something of the first head, over the pictures that have labels for it."""

    def __init__(self, heads: tuple[Head, ...], name: str) -> None:
        super().__init__(name=name)
        self.columns = heads[0].columns

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        targets, logits = ops.convert_to_tensor(y_true)[..., self.columns], y_pred[..., self.columns]
        known = ops.cast(ops.sum(targets, axis=-1) > 0, self.dtype)
        super().update_state(self._measured(targets, logits), known if sample_weight is None else known * sample_weight)

    def _measured(self, targets: Any, logits: Any) -> Any:
        raise NotImplementedError


class MainCrossEntropy(_MainMetric):
    """Cross-entropy of the first head with its labels, over the pictures that have labels for it."""

    def __init__(self, heads: tuple[Head, ...]) -> None:
        super().__init__(heads, "cross_entropy")

    def _measured(self, targets: Any, logits: Any) -> Any:
        return _cross_entropy(targets, logits)


class MainAccuracy(_MainMetric):
    """Accuracy of the first head, over the pictures that have labels for it."""

    def __init__(self, heads: tuple[Head, ...]) -> None:
        super().__init__(heads, "accuracy")

    def _measured(self, targets: Any, logits: Any) -> Any:
        return ops.cast(ops.equal(ops.argmax(targets, axis=-1), ops.argmax(logits, axis=-1)), self.dtype)
