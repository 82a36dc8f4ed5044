"""A model that takes a known time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.inference.bundle import ModelBundle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.inference.outputs import Predictions


class SlowClassifier:
    """Reads each face for a millisecond of processor time."""

    def __init__(self) -> None:
        self._bundle = ModelBundle.load()
        self.card = self._bundle.card
        self.spent_s = 0.0

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        start_s = time.process_time()
        while time.process_time() < start_s + 0.001 * len(faces):
            pass
        self.spent_s += time.process_time() - start_s
        return self._bundle.read(faces)
