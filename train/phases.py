"""Training in phases, each of which leaves parts of a network as they are.

The optimizer changes nothing that is frozen. What is here spares the gradients: those of EfficientNet-B0's body take
two thirds of a step.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Iterator


class PhasedModel(keras.Model):  # type: ignore[misc]  # keras has no types
    """Computes no gradients of what is frozen, but on JAX, where Keras' optimizer takes all or none."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._frozen: tuple[str, ...] = ()

    def freeze(self, names: tuple[str, ...]) -> None:
        """Freeze the parts whose names begin so, and nothing else."""
        if names != self._frozen:
            self._frozen = names
            self.make_train_function(force=True)

    def train_step(self, *data: Any) -> Any:
        """Train one batch. TensorFlow runs this once for each phase, and then what it has traced."""
        with self._without_gradients():
            return super().train_step(*data)

    @contextmanager
    def _without_gradients(self) -> Iterator[None]:
        frozen = [variable for variable in self.trainable_variables if variable.path.startswith(self._frozen)]
        try:
            for variable in frozen:
                variable.trainable = keras.backend.backend() == "jax"
            yield
        finally:
            for variable in frozen:
                variable.trainable = True
