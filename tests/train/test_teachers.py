from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from keras import ops

from edge.inference.labels import FACE
from edge.inference.outputs import softmax
from tests.train.synthetic import Run, call
from train import embedding, kept, networks, recipes, report
from train import fit as fitting
from train.__main__ import main
from train.evaluate.models import keras_logits
from train.heads import heads_of
from train.recipes import DataConfig, Recipe, RecipeError
from train.targets import training_examples, validation_examples
from train.teachers import Teachers, load_teachers

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = DataConfig(training="ferplus", also="fer2013", clutter=8)


def random_network(path: Path, data: DataConfig, seed: int) -> kept.KeptNetwork:
    keras.utils.set_random_seed(seed)
    recipe = Recipe.model_validate({"name": "random", "data": data, "network": {"widths": (16, 16), "blocks": (1, 1)}})
    blank = kept.KeptNetwork(recipe, (), "")
    width = blank.heads[-1].columns.stop
    weights = networks.build(recipe.network, width).get_weights()
    kept.save(path, recipe, weights)
    return kept.load(path)


def test_their_mean_answers_are_in_the_columns_of_the_heads(tmp_path: Path) -> None:
    both = random_network(tmp_path / "a.npz", EVERYTHING, 1)
    votes = random_network(tmp_path / "b.npz", DataConfig(), 2)
    pictures = np.random.default_rng(1).uniform(0, 255, (3, 48, 48, 1)).astype(np.float32)
    first, second = (np.asarray(one.build()(pictures, training=False)) for one in (both, votes))
    heads = heads_of(EVERYTHING)

    answers = ops.convert_to_numpy(Teachers([both, votes], heads, 2.0)(pictures))

    def cooled(logits: Any) -> Any:
        return softmax(np.asarray(logits / 2, np.float32))

    assert answers[:, :8] == pytest.approx((cooled(first[:, :8]) + cooled(second)) / 2, abs=1e-4)
    assert answers[:, 8] == pytest.approx(1 / (1 + np.exp(-first[:, 8] / 2)), abs=1e-4)
    assert answers[:, 9:] == pytest.approx(cooled(first[:, 9:]), abs=1e-4)

    alone = Teachers([votes], heads, 1.0)
    assert alone.known == {"ferplus"}
    assert not alone.trainable_variables
    assert not ops.convert_to_numpy(alone(pictures))[:, 8:].any()
    assert FACE in Teachers([both], heads, 1.0).known


def test_no_variable_of_a_pupil_has_the_name_of_a_teacher_s(tmp_path: Path) -> None:
    """On PyTorch gradients of such variables were never reset, and added up over all steps."""
    one, other = (random_network(tmp_path / f"{seed}.npz", EVERYTHING, seed) for seed in (1, 2))
    networks_of = [one.build(), *Teachers([one, other], heads_of(EVERYTHING), 1.0).networks]
    names = [variable.path for network in networks_of for variable in network.variables]
    assert len(names) == len(set(names)) > 30


def test_a_teacher_of_other_labels_is_refused(tmp_path: Path) -> None:
    random_network(tmp_path / "votes.npz", DataConfig(), 1)
    data = DataConfig(training="fer2013", teachers=(tmp_path / "votes.npz",))
    with pytest.raises(RecipeError, match=r"votes\.npz: its labels are those of ferplus, not of fer2013"):
        load_teachers(data, heads_of(data))
    with pytest.raises(RecipeError, match=r"none\.npz"):
        load_teachers(DataConfig(teachers=(tmp_path / "none.npz",)), heads_of(DataConfig()))


@pytest.mark.parametrize("kind", ["landmark_mlp", "cnn_gru"])
def test_a_teacher_that_takes_no_pictures_is_refused(kind: str) -> None:
    data = DataConfig(teachers=(recipes.REPOSITORY / f"train/weights/{kind}.npz",))
    with pytest.raises(RecipeError, match=rf"{kind}\.npz: a {kind} takes no pictures"):
        load_teachers(data, heads_of(data))


def test_a_network_of_landmarks_is_no_backbone_of_tracks() -> None:
    whole = recipes.load(recipes.FOLDER / "cnn_gru.toml").model_dump()
    whole["data"]["tracks"]["network"] = "train/weights/landmark_mlp.npz"
    whole["network"]["embedding"] = 256  # as wide as what its last layer takes
    with pytest.raises(RecipeError, match=r"data\.tracks\.network: .*landmark_mlp\.npz"):
        embedding.load_backbone(Recipe.model_validate(whole))


def test_a_network_learns_from_answers_alone_whatever_the_labels_say(trained: Run, tmp_path: Path) -> None:
    recipe = recipes.load(trained.recipe)
    data = recipe.data.model_copy(update={"teacher_weight": 1.0, "temperature": 2.0})
    recipe = recipe.model_copy(update={"data": data})
    training = training_examples(data, trained.fer2013, trained.ferplus, None)
    wrong = replace(training, targets=np.roll(training.targets, 1, axis=1)).sample(240, 1)
    validation = validation_examples(data, trained.fer2013, trained.ferplus)
    teacher = kept.load(trained.out / "tiny.npz")
    model = fitting.fit(recipe, wrong, validation, tmp_path, resume=False, teachers=[teacher])
    answers = keras_logits(model)(validation.pixels).argmax(axis=1)
    assert (answers == validation.targets.argmax(axis=1)).mean() > 0.5  # chance is 0.125, the labels say 0


def test_a_recipe_names_its_teachers_and_its_start_and_the_report_their_hashes(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = trained.out / "tiny.npz"
    recipe = tmp_path / "pupil.toml"
    text = trained.recipe.read_text().replace('name = "tiny"', f'name = "pupil"\nstart = "{file}"')
    text = text.replace("[network]", f'teachers = ["{file}"]\n[network]')
    recipe.write_text(text.replace("warmup_epochs = 0.5", "warmup_epochs = 2.0") + "norm_batches = 4\n")
    out = tmp_path / "run"
    command = ["fit", str(recipe), *trained.data, "--out", str(out), "--epochs", "1", "--clips", "none"]
    assert call(main, command) == 0
    assert "reading FER2013" in capsys.readouterr().err
    written = report.read(out / "pupil.json")
    assert written.recipe.schedule.warmup_epochs == 0.5  # the epoch is shorter than the recipe's
    sha256 = kept.load(file).sha256
    assert written.sources["teachers"] == f"tiny {sha256}"
    assert written.sources["start"] == f"tiny {sha256}"
    assert written.weights == kept.load(out / "pupil.npz").sha256
    assert written.metrics["PrivateTest"]["ferplus-majority"].accuracy > 0.8  # it started well

    recipe.write_text(recipe.read_text().replace("stem = 16", "stem = 32"))
    assert call(main, [*command[:-6], "--out", str(tmp_path / "other"), "--clips", "none"]) == 2
    assert "its network or its labels differ" in capsys.readouterr().err


def test_a_share_of_the_start_stays_in_the_weights(trained: Run, tmp_path: Path) -> None:
    before = random_network(tmp_path / "start.npz", DataConfig(), 1)
    changed = {
        "schedule": {"epochs": 1, "warmup_epochs": 0.0, "batch_size": 16},
        "augment": recipes.load(trained.recipe).augment,
        "start": tmp_path / "start.npz",
    }
    recipe = Recipe.model_validate(before.recipe.model_dump() | changed)
    validation = validation_examples(recipe.data, trained.fer2013, trained.ferplus).sample(64, 1)
    alone, mixed = (
        fitting.fit(
            recipe.model_copy(update={"start_share": share}),
            validation,
            validation,
            tmp_path / str(share),
            resume=False,
            start=before,
        )
        for share in (0.0, 0.75)
    )
    for start, trained_alone, result in zip(before.weights, alone.get_weights(), mixed.get_weights(), strict=True):
        assert not np.array_equal(start, trained_alone)
        np.testing.assert_allclose(result, 0.75 * start + 0.25 * trained_alone, atol=1e-4)


def test_a_share_of_no_start_is_refused(trained: Run, tmp_path: Path) -> None:
    recipe = tmp_path / "share.toml"
    recipe.write_text("start_share = 0.5\n" + trained.recipe.read_text())
    with pytest.raises(recipes.RecipeError, match="start_share: name the network in start"):
        recipes.load(recipe)
