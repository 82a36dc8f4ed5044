"""Sharpness-aware minimisation: steps by the gradient of the worst weights nearby, so that flat minima are preferred.

Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", ICLR 2021. A step climbs from the
weights ``w`` to ``w + e``, takes the gradient there, goes back, and has the optimizer use that gradient. The climb
``e = radius * g / |g|`` follows the gradient ``g`` of the first half of a batch, on the same augmented pictures: a step
costs half more, not twice as much, and the climb of few pictures generalises better (the paper's m-sharpness).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class SharpnessAwareModel(keras.Model):  # type: ignore[misc]  # keras has no types
    """A network behind its augmentation that is trained so; any backend. Its optimizer is one of `train.optimizers`."""

    def __init__(self, learned: keras.Model, augmentation: keras.layers.Layer | None, radius: float) -> None:
        """Take the parts.

        Args:
            learned: From augmented pictures to outputs.
            augmentation: What changes the pictures; None: nothing does.
            radius: How far a step climbs, in the Euclidean norm of all trained weights.
        """
        super().__init__(name="training")
        self._learned, self._radius = learned, radius
        self._augmentation = augmentation or keras.layers.Identity()
        self._is_augmented = False

    def call(self, pictures: Any, *, training: bool = False) -> Any:
        """Return the outputs for a batch."""
        if not self._is_augmented:
            pictures = self._augmentation(pictures, training=training)
        return self._learned(pictures, training=training)

    def train_step(self, *arguments: Any) -> Any:
        """Train one batch: ``(data)``, on JAX ``(state, data)``, as Keras calls it."""
        steps: dict[str, Callable[..., Any]] = {
            "tensorflow": self._tensorflow_step,
            "torch": self._torch_step,
            "jax": self._jax_step,
        }
        return steps[keras.backend.backend()](*arguments)

    def _tensorflow_step(self, data: Any) -> Any:
        import tensorflow as tf  # noqa: PLC0415  # the backend in use

        data = self._augmented(data)
        with self._without_augmentation():
            x, y, weight = _first_half(data)
            weights = self.trainable_variables
            with tf.GradientTape() as tape:
                loss = self.compute_loss(x, y, self(x, training=True), weight)
            climb = self._climb(tape.gradient(loss, weights))
            _add(climb, weights)
            with self.optimizer.climbed(climb):
                return super().train_step(data)

    def _torch_step(self, data: Any) -> Any:
        import torch  # noqa: PLC0415  # the backend in use

        data = self._augmented(data)
        with self._without_augmentation():
            x, y, weight = _first_half(data)
            weights = self.trainable_variables
            self.zero_grad()
            self.compute_loss(x, y, self(x, training=True), weight).backward()
            with torch.no_grad():
                climb = self._climb([each.value.grad for each in weights])
                _add(climb, weights)
            with self.optimizer.climbed(climb):
                return super().train_step(data)

    def _jax_step(self, state: Any, data: Any) -> Any:
        import jax  # type: ignore[import-not-found]  # noqa: PLC0415  # the backend in use

        weights, others, optimizer, metrics = state
        mapping = list(zip(self.non_trainable_variables, others, strict=True))
        with keras.StatelessScope(mapping) as scope:
            data = self._augmented(data)
        others = [scope.get_current_value(variable) for variable in self.non_trainable_variables]
        with self._without_augmentation():
            x, y, weight = _first_half(data)
            slope = jax.grad(self.compute_loss_and_updates, has_aux=True)
            gradients, (_, _, others, _) = slope(
                weights, others, metrics, x, y, weight, training=True, optimizer_variables=optimizer
            )
            climb = self._climb(gradients)
            weights = [value + step for value, step in zip(weights, climb, strict=True)]
            with self.optimizer.climbed(climb):
                return super().train_step((weights, others, optimizer, metrics), data)

    def _augmented(self, data: Any) -> tuple[Any, ...]:
        x, *rest = data
        return (self._augmentation(x, training=True), *rest)

    @contextmanager
    def _without_augmentation(self) -> Iterator[None]:
        self._is_augmented = True
        try:
            yield
        finally:
            self._is_augmented = False

    def _climb(self, gradients: Sequence[Any]) -> list[Any]:
        steps = [ops.cast(each, "float32") for each in gradients]
        norm = ops.sqrt(sum(ops.sum(ops.square(each)) for each in steps) + keras.config.epsilon() ** 2)
        return [each * (self._radius / norm) for each in steps]


def _first_half(data: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
    count = (ops.shape(x)[0] + 1) // 2
    return x[:count], y[:count], None if weight is None else weight[:count]


def _add(climb: Sequence[Any], weights: Sequence[Any]) -> None:
    for weight, step in zip(weights, climb, strict=True):
        weight.assign_add(step)
