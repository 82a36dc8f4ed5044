"""The interface of a model to the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.inference.card import Card
    from edge.inference.outputs import Predictions


class Classifier(Protocol):
    """Reads emotions from face crops; `edge.inference.bundle.ModelBundle` is one."""

    @property
    def card(self) -> Card:
        """The model's labels, its input size and its calibration."""

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        """Return what ``(N, H, W)`` crops, of the card's input size, show."""
