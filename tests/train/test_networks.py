from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from train import recipes
from train.networks import ResNetConfig, TransformerEncoderDecoderConfig, build
from train.networks.cost import count_macs
from train.untrained import check_network

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ResNetConfig(stem=16, widths=(16, 32), blocks=(1, 1))

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


@pytest.mark.parametrize("recipe", sorted(path.stem for path in recipes.FOLDER.glob("landmark_*.toml")))
def test_names_differ_within_a_network_that_is_the_first_of_a_process(recipe: str) -> None:
    """Keras numbers the operations that have no name: the first `mean` of a process is one without a number."""
    keras.utils.clear_session()
    assert network(recipe).name == recipe


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
    assert network("cnn_deep_head").count_params() == 6_318_471


def test_the_statistics_of_ddamfn_follow_its_weights_as_those_of_its_source() -> None:
    config = recipes.load(recipes.FOLDER / "ddamfn.toml").network.model_copy(update={"blocks": (1, 1, 1)})
    norms = [each for each in build(config, 8).layers if isinstance(each, keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == {0.9}


def test_each_class_has_a_query_and_without_an_answer_it_is_no_face(tmp_path: Path) -> None:
    config = TransformerEncoderDecoderConfig(width=8, attention_heads=2, encoder=1, decoder=1, not_detected=True)
    model = build(config, 9)
    attention, mlp, norm = 4 * (8 * 8 + 8), 8 * 32 + 32 + 32 * 8 + 8, 16
    patches, places, queries, answers = 2 * 36 + 36 * 8 + 8 + norm, 64 * 8, 8 * 8, 8 * 8 + 8
    encoder, decoder = attention + mlp + 2 * norm, 2 * attention + mlp + 3 * norm
    assert model.count_params() == patches + places + encoder + norm + queries + decoder + norm + answers
    faces = np.random.default_rng(1).uniform(0, 255, (3, 48, 48, 1)).astype(np.float32)
    logits = model.predict(faces, verbose=0)
    assert logits.shape == (3, 9)
    assert len(set(logits[0])) == 9
    assert logits[:, 8] == pytest.approx(np.log(np.exp(logits[:, :8]).sum(axis=1)), rel=1e-4)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)  # nothing of ours is needed to load it
    assert again.predict(faces, verbose=0) == pytest.approx(logits, abs=1e-5)


def test_patches_are_squares_in_rows_from_the_top_left() -> None:
    model = build(TransformerEncoderDecoderConfig(width=8, attention_heads=2, encoder=1, decoder=1, patch=12), 7)
    seen = keras.Model(model.input, model.get_layer("patches").output)
    picture = np.arange(48 * 48, dtype=np.float32).reshape(48, 48) / 10
    (patches,) = seen.predict(picture[None, ..., None], verbose=0)
    squares = [picture[y : y + 12, x : x + 12].ravel() for y in range(0, 48, 12) for x in range(0, 48, 12)]
    assert patches == pytest.approx(np.array(squares) / 127.5 - 1, abs=1e-5)


def test_an_untrained_transformer_tells_where_a_patch_is() -> None:
    """Attention learns only from places that it sees: with places of a thirtieth of this size nothing was learned."""
    keras.utils.set_random_seed(1)
    model = build(TransformerEncoderDecoderConfig(patch=8), 7)
    tokens, placed = (model.get_layer(name).output for name in ("tokens_norm", "placed"))
    noise = np.random.default_rng(1).uniform(0, 255, (8, 48, 48, 1)).astype(np.float32)
    before, after = keras.Model(model.input, [tokens, placed]).predict(noise, verbose=0)
    assert (after - before).std() == pytest.approx(before.std(), rel=0.1)


def test_outputs_that_cannot_be_divided_are_for_one_model() -> None:
    network = {"kind": "transformer_encoder_decoder"}
    for key, value, said in [("also", "fer2013", "data.also"), ("clutter", 8, "not_detected")]:
        with pytest.raises(ValueError, match=said):
            recipes.Recipe.model_validate({"name": "mine", "network": network, "data": {key: value}})


def test_heads_of_attention_are_needed_for_their_loss() -> None:
    with pytest.raises(ValueError, match=r"loss\.attention"):
        recipes.Recipe.model_validate({"name": "mine", "loss": {"attention": 0.1}})


def test_mistakes_in_lists_are_told_with_their_key() -> None:
    for network, said in [
        ({"widths": [32, 64], "blocks": [1, 2, 2]}, "blocks: write one number for each of the 2 widths, not 3"),
        ({"kind": "cnn_deep_head", "kernels": [3, 5]}, "kernels: write one number for each of the 4 widths, not 2"),
        ({"kind": "resnet_attention", "widths": []}, "widths"),
    ]:
        with pytest.raises(ValueError, match=said):
            recipes.Recipe.model_validate({"name": "mine", "network": network})


def test_a_track_is_no_longer_than_the_places_of_its_network() -> None:
    known = recipes.load(recipes.FOLDER / "cnn_transformer.toml").model_dump()
    known["data"]["tracks"]["frames"] = 64
    assert recipes.Recipe.model_validate(known)
    known["data"]["tracks"]["frames"] = 65
    with pytest.raises(ValueError, match=r"data\.tracks\.frames: 65 must be at most network\.most_frames, 64"):
        recipes.Recipe.model_validate(known)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"kind": "cnn_two_block", "widths": [4, 4], "activation": "rely"}, "network: cnn_two_block cannot.*rely"),
        ({"kind": "cnn_two_block", "widths": [4] * 4}, "network: cnn_two_block cannot be built with these values"),
    ],
)
def test_a_network_that_cannot_be_built_is_told_before_the_data_are_read(network: dict[str, Any], said: str) -> None:
    with pytest.raises(recipes.RecipeError, match=said):
        check_network(recipes.Recipe.model_validate({"name": "mine", "network": network}))


def phase(*frozen: str) -> dict[str, Any]:
    return {"epochs": 1, "learning_rate": 0.1, "frozen": frozen}


ADAM = {"optimizer": "adam", "weight_decay": 0, "warmup_epochs": 0, "epochs": 2}


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"rates": {"stem": 0.1, "stagee": 0.1}}, "rates: no layer's name begins with 'stagee'"),
        (ADAM | {"phases": [phase("stem"), phase("stage1", "bodi")]}, "frozen: no layer's name begins with 'bodi'"),
    ],
)
def test_a_part_that_a_network_does_not_have_is_neither_slowed_nor_frozen(schedule: dict[str, Any], said: str) -> None:
    plan = {"name": "mine", "network": SMALL, "schedule": schedule}
    with pytest.raises(recipes.RecipeError, match=f"{said}; they begin with stem, stage1, stage2, logits$"):
        check_network(recipes.Recipe.model_validate(plan))


def test_a_phase_that_freezes_everything_is_refused() -> None:
    plan = {"name": "mine", "network": SMALL, "schedule": ADAM | {"phases": [phase("stem"), phase("st", "logits")]}}
    with pytest.raises(recipes.RecipeError, match=r"phases.frozen: phase 2 leaves nothing to train"):
        check_network(recipes.Recipe.model_validate(plan))


def test_a_recipe_without_a_kind_is_of_our_own_network() -> None:
    recipe = recipes.Recipe.model_validate({"name": "mine", "network": {"stem": 24}})
    assert recipe.network == ResNetConfig(stem=24)
    with pytest.raises(ValueError, match=r"cnn_wide.*resnet"):
        recipes.Recipe.model_validate({"name": "mine", "network": {"kind": "vgg"}})
