"""Estimate the statistics of batch normalisation for the weights that are kept.

In training they follow the weights of the last steps; the weights that are kept are averages over many steps, for which
other statistics hold. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Iterable


def estimate(network: keras.Model, batches: Iterable[Any]) -> None:
    """Replace the network's statistics by their means over batches of ``(B, H, W, 1)`` gray levels."""
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for done, pictures in enumerate(batches):
        for norm in norms:
            norm.momentum = done / (done + 1)  # a running mean
        network(pictures, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
