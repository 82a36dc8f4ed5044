"""Fused batch normalisation against Keras' own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from train import fused_norm, recipes
from train.fused_norm import fused
from train.networks import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RANDOM = np.random.default_rng(1)
PICTURES = RANDOM.normal(3, 5, (10, 6, 6, 2)).astype(np.float32)
WANTED = RANDOM.normal(0, 1, (10, 3)).astype(np.float32)


@pytest.fixture
def bfloat16() -> Iterator[None]:
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_global_policy("float32")


def small(**options: Any) -> keras.Model:
    keras.utils.set_random_seed(1)
    pixels = keras.Input((6, 6, 2))
    maps = keras.layers.BatchNormalization(name="norm", **options)(keras.layers.Conv2D(16, 3, use_bias=False)(pixels))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(maps))
    return keras.Model(pixels, keras.layers.Dense(3, dtype="float32")(pooled))


def trained(network: keras.Model) -> list[NDArray[np.float32]]:
    network.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", jit_compile=False)
    for _ in range(5):
        network.train_on_batch(PICTURES, WANTED)
    return [np.asarray(weight) for weight in network.get_weights()]


def differences(network: keras.Model) -> list[float]:
    other = fused(network)
    assert type(other.get_layer("norm")) is fused_norm.BatchNormalization
    before = [np.array(weight) for weight in network.get_weights()]
    mine, keras_own = trained(other), trained(network)
    moved = [np.abs(after - weight).max() for after, weight in zip(keras_own, before, strict=True)]
    return [float(np.abs(a - b).max() / m) for a, b, m in zip(mine, keras_own, moved, strict=True) if m]


def test_a_training_ends_with_the_weights_and_statistics_of_keras() -> None:
    assert max(differences(small())) < 1e-3


@pytest.mark.usefixtures("bfloat16")
def test_in_bfloat16_it_ends_near_them() -> None:
    assert max(differences(small())) < 0.05


def test_a_frozen_layer_stays_as_it_is() -> None:
    network = fused(small())
    norm = network.get_layer("norm")
    norm.trainable = False
    before = norm.get_weights()
    trained(network)
    assert all(np.array_equal(one, other) for one, other in zip(before, norm.get_weights(), strict=True))


@pytest.mark.parametrize("options", [{"center": False}, {"scale": False}, {"axis": 1}, {"renorm": True}])
def test_other_kinds_stay_keras_own(options: dict[str, Any]) -> None:
    assert type(fused(small(**options)).get_layer("norm")) is keras.layers.BatchNormalization


@pytest.mark.parametrize("name", ["emotion", "cnn_two_block", "ddamfn"])
def test_a_recipe_s_network_is_the_same_with_it(name: str) -> None:
    network = build(recipes.load(recipes.FOLDER / f"{name}.toml").network, 9)
    for weight in network.weights:  # each of its own, so that a mistaken order shows
        weight.assign(RANDOM.uniform(0.5, 1.5, weight.shape))
    other = fused(network)
    assert [weight.path for weight in other.weights] == [weight.path for weight in network.weights]
    assert [w.path for w in other.trainable_weights] == [w.path for w in network.trainable_weights]
    pictures = RANDOM.uniform(0, 255, (2, *network.input_shape[1:])).astype(np.float32)
    mine, keras_own = (np.asarray(each(pictures, training=False)) for each in (other, network))
    assert np.array_equal(mine, keras_own, equal_nan=True)
    kinds = {type(layer) for layer in other.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert fused_norm.BatchNormalization in kinds
