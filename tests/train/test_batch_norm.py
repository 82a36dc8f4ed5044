from __future__ import annotations

import keras
import numpy as np
import pytest

from train.batch_norm import estimate


def test_the_statistics_become_the_means_over_the_batches() -> None:
    pixels = keras.Input((4, 4, 1))
    network = keras.Model(pixels, keras.layers.BatchNormalization(name="norm")(pixels))
    norm = network.get_layer("norm")
    norm.moving_mean.assign([77.0])
    batches = np.random.default_rng(1).normal(3, 5, (3, 10, 4, 4, 1)).astype(np.float32)
    estimate(network, batches)
    assert float(norm.moving_mean.numpy()[0]) == pytest.approx(batches.mean(), abs=1e-4)
    variances = [batch.var() for batch in batches]
    assert float(norm.moving_variance.numpy()[0]) == pytest.approx(np.mean(variances), rel=1e-3)
    assert norm.momentum == 0.99
