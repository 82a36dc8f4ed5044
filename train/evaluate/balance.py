"""Logit adjustment: expect each emotion as often as the user's faces show it, not as often as the training labels do.

Menon et al., "Long-tail Learning via Logit Adjustment", ICLR 2021: tau times the logarithm of the class prior is
subtracted from each logit. With tau = 0 nothing changes; with tau = 1 each emotion is expected equally often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.datasets import load
from train.priors import class_priors, logit_shifts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from train.datasets import LabelProtocol
    from train.evaluate.metrics import Logits


def training_priors(protocol: LabelProtocol, fer2013_file: Path, ferplus_file: Path | None) -> dict[str, float]:
    """Return the share of each label in the training faces of a protocol.

    Raises:
        DataError: A file is missing or damaged.
    """
    faces = load(protocol, "Training", fer2013_file, ferplus_file)
    return class_priors(faces.targets, faces.labels)


def adjust(logits: Logits, labels: Sequence[str], priors: Mapping[str, float], tau: float) -> Logits:
    """Return logits adjusted by the priors of their labels; a column without a prior, as the face score's, is not."""
    shift = logit_shifts(priors, labels, tau)

    def adjusted(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return logits(pixels) - shift

    return adjusted
