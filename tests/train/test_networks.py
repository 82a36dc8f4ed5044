from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from train import recipes
from train.networks import ResNetConfig, build
from train.networks.cost import count_macs

if TYPE_CHECKING:
    import keras

SMALL = ResNetConfig(stem=8, widths=(16, 32), blocks=(1, 1))

PUBLISHED = {
    "cnn_two_block": (
        320, 9248, 128, 18496, 256, 36928, 256, 73856, 512, 147584, 512, 525312, 4096, 7175,
    ),
    "cnn_wide": (
        320, 18496, 256, 204928, 512, 590336, 2048, 2359808, 2048, 524544, 1024, 131584, 2048, 3591,
    ),
}  # fmt: skip
"""Parameters layer by layer, as the sources list them; but the last one of `cnn_two_block`, as its docstring says."""


def network(recipe: str) -> keras.Model:
    return build(recipes.load(recipes.FOLDER / f"{recipe}.toml").network, 7)


def test_squeeze_excite_adds_two_small_convolutions_a_block() -> None:
    plain = build(SMALL, 8)
    excited = build(SMALL.model_copy(update={"squeeze": 0.25}), 8)
    more = sum(width * 8 + 8 + 8 * width + width for width in SMALL.widths)  # the bottleneck is 8 wide at least
    assert excited.count_params() - plain.count_params() == more
    assert count_macs(excited) - count_macs(plain) == sum(2 * 8 * width for width in SMALL.widths)
    assert excited.predict(np.zeros((2, 48, 48, 1)), verbose=0).shape == (2, 8)


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_each_layer_has_the_published_parameters(recipe: str) -> None:
    counts = tuple(layer.count_params() for layer in network(recipe).layers if layer.count_params())
    assert counts == PUBLISHED[recipe]


def test_the_deep_head_has_the_described_layers() -> None:
    kernels = [w.shape for w in network("cnn_deep_head").weights if w.path.endswith("kernel")]
    assert kernels == [
        (3, 3, 1, 64), (5, 5, 64, 128), (3, 3, 128, 256), (5, 5, 256, 512),
        (4608, 512), (512, 256), (256, 128), (128, 64), (64, 7),
    ]  # fmt: skip
    assert network("cnn_deep_head").count_params() == 6_310_791


def test_heads_of_attention_are_needed_for_their_loss() -> None:
    with pytest.raises(ValueError, match=r"loss\.attention"):
        recipes.Recipe.model_validate({"name": "mine", "loss": {"attention": 0.1}})


def test_a_recipe_without_a_kind_is_of_our_own_network() -> None:
    recipe = recipes.Recipe.model_validate({"name": "mine", "network": {"stem": 8}})
    assert recipe.network == ResNetConfig(stem=8)
    with pytest.raises(ValueError, match=r"cnn_wide.*resnet"):
        recipes.Recipe.model_validate({"name": "mine", "network": {"kind": "vgg"}})
