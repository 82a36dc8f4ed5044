"""Teachers: float networks that answer for the same augmented picture as the network that is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from edge.inference.labels import FACE
from train import kept, networks
from train.recipes import REPOSITORY, RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from train.heads import Head
    from train.kept import KeptNetwork
    from train.recipes import DataConfig


def load_teachers(data: DataConfig, heads: Sequence[Head], root: Path | None = None) -> tuple[KeptNetwork, ...]:
    """Load a recipe's teachers, whose paths are relative to a folder; None: the repository.

    Raises:
        RecipeError: One is missing, is no network, takes no pictures, or has none of the labels that are trained.
    """
    teachers = tuple(kept.load((root or REPOSITORY) / file) for file in data.teachers)
    wanted = {head.name for head in heads} - {FACE}
    for file, teacher in zip(data.teachers, teachers, strict=True):
        if not kept.takes_pictures(teacher.recipe):
            message = f"data.teachers: {file}: a {teacher.recipe.network.kind} takes no pictures, so it cannot teach"
            raise RecipeError(message)
        known = {head.name for head in teacher.heads} - {FACE}
        if not wanted & known:
            names = (" and ".join(sorted(some)) for some in (known, wanted))
            message = "data.teachers: {}: its labels are those of {}, not of {}".format(file, *names)
            raise RecipeError(message)
    return teachers


class Teachers(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """The teachers' mean probabilities, ``(N, K)`` in the columns of the heads; zero for a head that none has."""

    def __init__(self, teachers: Sequence[KeptNetwork], heads: Sequence[Head], temperature: float) -> None:
        super().__init__(dtype="float32", trainable=False, name="teachers")
        self.networks = []
        for number, teacher in enumerate(teachers):
            # On PyTorch, Keras finds what it resets by the variables' names: a pupil's must not be its teacher's.
            with keras.name_scope(f"teacher_{number}"):
                self.networks.append(teacher.build())
            self.networks[-1].trainable = False
        self.columns = [{head.name: head.columns for head in teacher.heads} for teacher in teachers]
        self.heads = tuple(heads)
        self.temperature = temperature
        self.known = frozenset(head.name for head in heads if any(head.name in c for c in self.columns))
        """The heads that are taught."""

    def build(self, _input_shape: Any) -> None:
        """Build nothing: the networks are."""
        self.built = True

    def call(self, images: Any) -> Any:
        """Return the probabilities for ``(N, 48, 48, 1)`` gray levels, at the temperature."""
        seen = [network(networks.fitted(images, network), training=False) for network in self.networks]
        logits = [ops.cast(answers, "float32") / self.temperature for answers in seen]
        return ops.concatenate([self._answers(head, logits, images) for head in self.heads], axis=1)

    def _answers(self, head: Head, logits: Sequence[Any], images: Any) -> Any:
        known = [z[:, c[head.name]] for z, c in zip(logits, self.columns, strict=True) if head.name in c]
        if not known:
            return ops.zeros((ops.shape(images)[0], len(head.labels)))
        answers = [ops.sigmoid(z) if head.name == FACE else ops.softmax(z, axis=-1) for z in known]
        return sum(answers) / len(answers)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return ``(N, K)``."""
        return (input_shape[0], self.heads[-1].columns.stop)
