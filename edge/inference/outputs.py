"""What a model's outputs mean: a logit for each emotion and, for some models, one for being a face at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.inference.labels import FACE
from edge.wire.messages import UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class OutputLabels:
    """Names of a model's logits, in their order.

    Example:
        >>> OutputLabels.of(["happy", "sad", FACE])
        OutputLabels(emotions=('happy', 'sad'), has_face=True)
    """

    emotions: tuple[str, ...]
    has_face: bool = False
    """Whether the model also tells if a picture is a face at all."""

    @classmethod
    def of(cls, columns: Iterable[str]) -> OutputLabels:
        """Return the labels of columns with these names; `FACE` may be among them, and moves to the end."""
        names = tuple(columns)
        return cls(tuple(name for name in names if name != FACE), FACE in names)

    @property
    def columns(self) -> tuple[str, ...]:
        """A name for each column of `Logits.columns`: the emotions, then `FACE` if the model has that output."""
        return (*self.emotions, FACE) if self.has_face else self.emotions

    def split(self, columns: NDArray[np.float32]) -> Logits:
        """Return ``(N, len(self.columns))`` logits as emotions and face.

        Raises:
            ValueError: The number of columns is another one.
        """
        if columns.shape[1:] != (len(self.columns),):
            message = f"logits of shape {columns.shape} are not {len(self.columns)} columns: {', '.join(self.columns)}"
            raise ValueError(message)
        count = len(self.emotions)
        return Logits(columns[:, :count], columns[:, count] if self.has_face else None)


@dataclass(frozen=True, eq=False)
class Logits:
    """A model's outputs for ``N`` pictures."""

    emotions: NDArray[np.float32]
    """``(N, C)``"""

    face: NDArray[np.float32] | None = None
    """``(N,)``; None if the model has no such output."""

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.emotions)

    @property
    def columns(self) -> NDArray[np.float32]:
        """``(N, C)`` or, with the face's logit last, ``(N, C + 1)``; `OutputLabels.split` is its inverse."""
        return self.emotions if self.face is None else np.column_stack([self.emotions, self.face])

    def predict(self, temperature: float = 1.0, adjustment: NDArray[np.float32] | None = None) -> Predictions:
        """Return probabilities.

        Args:
            temperature: Of the emotions' logits.
            adjustment: ``(C,)`` to subtract from the emotions' logits once they are divided by the temperature, as
                logit adjustment does.
        """
        if adjustment is None:
            emotions = softmax(self.emotions, temperature)
        else:
            emotions = softmax(self.emotions / np.float32(temperature) - adjustment)
        return Predictions(emotions, None if self.face is None else sigmoid(self.face))


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities for ``N`` pictures."""

    probabilities: NDArray[np.float32]
    """``(N, C)`` of the emotions, whether it is a face or not; each row sums to 1."""

    face_scores: NDArray[np.float32] | None = None
    """``(N,)`` probabilities that it is a face at all; None if the model has no such output."""


def choose_emotion(probabilities: NDArray[np.floating[Any]], labels: Sequence[str], min_confidence: float) -> str:
    """Return the most probable label, or ``uncertain``.

    Logits are integers times a scale, so without a balance two labels may be exactly as probable: 1 in 100 faces,
    `docs/models.md`. No order of the labels was right more often than another there, so these faces are uncertain.

    Args:
        probabilities: ``(C,)``
        labels: The ``C`` labels.
        min_confidence: Probability below which the face is uncertain.
    """
    best = int(probabilities.argmax())
    highest = probabilities[best]
    tied = np.count_nonzero(probabilities == highest) > 1
    return UNCERTAIN if tied or highest < min_confidence else labels[best]


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Return the probabilities of ``(N, C)`` logits."""
    scaled = np.exp((logits - logits.max(axis=1, keepdims=True)) / np.float32(temperature))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True), dtype=np.float32)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probabilities of the logits of a yes-or-no question."""
    return np.asarray(0.5 * (1 + np.tanh(logits / 2)), dtype=np.float32)  # tanh overflows for no logit
