"""How often each emotion is in what is learned: a network comes to expect it as often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.inference.adjustment import logit_adjustment
from edge.inference.labels import FACE
from train.batches import balancing_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from train.examples import Examples

_LEAST = 1e-4
"""Smallest prior that is used, for a label that the training faces lack."""


def class_priors(targets: NDArray[np.float32], labels: Sequence[str]) -> dict[str, float]:
    """Return the share of each label in ``(N, C)`` targets; rows of zeros have no label and do not count."""
    return _shares(labels, targets.sum(axis=0, dtype=np.float64))


def learned_priors(training: Examples, balance: str) -> dict[str, dict[str, float]]:
    """Return the share of each emotion in training pictures, by head.

    Args:
        training: What is learned from.
        balance: As in a recipe's data. Balanced pictures count as much as they do in training.
    """
    targets = training.targets
    if balance != "none":
        targets = targets * balancing_weights(training).astype(np.float32)[:, None]
    return {
        head.name: class_priors(targets[..., head.columns].reshape(-1, len(head.labels)), head.labels)
        for head in training.heads
        if head.name != FACE
    }


def expected_priors(priors: Mapping[str, float], tau: float) -> dict[str, float]:
    """Return what a network expects that learned with `LossConfig.logit_adjustment`: with tau = 1 each as often."""
    return _shares(list(priors), np.array([share ** (1 - tau) if share else 0.0 for share in priors.values()]))


def logit_shifts(priors: Mapping[str, float], labels: Sequence[str], tau: float) -> NDArray[np.float32]:
    """Return tau times the logarithm of each label's prior, ``(C,)``; 0 for a label without one, as the face score."""
    # A prior of 1 changes nothing.
    shares = [max(priors[label], _LEAST) if label in priors else 1.0 for label in labels]
    return logit_adjustment(shares, tau)


def _shares(labels: Sequence[str], counts: NDArray[np.float64]) -> dict[str, float]:
    return {label: float(share) for label, share in zip(labels, counts / max(counts.sum(), 1.0), strict=True)}
