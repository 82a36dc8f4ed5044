"""A run's folder: what is there is gone on with or refused, never overwritten; mistakes are one sentence."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from tests.train.synthetic import EPOCHS, Run, call
from train import kept, learned, recipes, runs
from train.__main__ import main
from train.log import LOG

if TYPE_CHECKING:
    from pathlib import Path


def test_a_finished_run_gives_the_same_model_again(trained: Run) -> None:
    before = keras.models.load_model(trained.model, compile=False).get_weights()
    rows = (trained.out / LOG).read_text()
    assert call(main, ["fit", str(trained.recipe), *trained.data, "--out", str(trained.out), "--resume"]) == 0
    after = keras.models.load_model(trained.model, compile=False).get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert (trained.out / LOG).read_text() == rows


def test_a_run_that_is_there_is_not_overwritten(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = (trained.out / LOG).read_bytes()
    assert call(main, ["fit", str(trained.recipe), *trained.data, "--out", str(trained.out)]) == 2
    message = capsys.readouterr().err
    assert "--resume" in message
    assert "--fresh" in message
    assert (trained.out / LOG).read_bytes() == before


def test_a_run_is_not_gone_on_with_by_another_recipe(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fit", str(trained.recipe), *trained.data, "--out", str(trained.out), "--resume", "--epochs", "9"]
    assert call(main, command) == 2
    assert "another recipe" in capsys.readouterr().err


def test_a_run_goes_on_with_another_description_but_no_other_seed(trained: Run, tmp_path: Path) -> None:
    recipe = recipes.load(trained.recipe)
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())
    figure = recipes.PublishedFigure(value=0.5, data="FER2013")
    said = recipe.model_copy(update={"description": "Said otherwise.", "published": (figure,)})
    seed = recipe.model_copy(update={"schedule": recipe.schedule.model_copy(update={"seed": 9})})
    runs.claim(tmp_path, said, resume=True, fresh=False)
    (tmp_path / LOG).write_text("epoch\n0\n")
    runs.claim(tmp_path, recipe, resume=True, fresh=False)
    with pytest.raises(recipes.RecipeError, match="another recipe"):
        runs.claim(tmp_path, seed, resume=True, fresh=False)


def test_a_fresh_start_leaves_nothing_of_the_run_that_was_there_but_what_a_job_learns_from(
    trained: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained.out, folder)
    (folder / "notes.txt").write_text("mine")
    recipe = recipes.load(trained.recipe)
    runs.claim(folder, recipe.model_copy(update={"name": "other"}), resume=False, fresh=True)
    assert sorted(path.name for path in folder.iterdir()) == ["examples.json", "notes.txt", "recipe.json"]
    assert recipes.of_run(folder).name == "other"
    assert learned.read(folder).rows


@pytest.mark.parametrize("is_run", [True, False])
def test_a_fresh_start_leaves_other_recipes_files(trained: Run, tmp_path: Path, *, is_run: bool) -> None:
    recipe = recipes.load(trained.recipe)
    if is_run:
        shutil.copy(trained.out / LOG, tmp_path)
    files = {"tiny.npz", "tiny.json", "tiny-room.npz", "tiny-room.json", "tiny-fer2013.json"}
    for name in files:
        (tmp_path / name).touch()
    runs.claim(tmp_path, recipe, resume=False, fresh=True)
    gone = {"tiny.npz", "tiny.json"} if is_run else set()  # the recipe has no head for FER2013's labels
    assert {path.name for path in tmp_path.iterdir()} - {"recipe.json"} == files - gone


def test_a_run_is_not_gone_on_with_from_another_start(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, start = tmp_path / "again.toml", tmp_path / "start.npz"
    recipe.write_text(f'start = "{start}"\n' + trained.recipe.read_text().replace('"tiny"', '"again"'))
    shutil.copy(trained.out / "tiny.npz", start)
    command = ["fit", str(recipe), *trained.data, "--out", str(tmp_path / "run"), "--resume", "--epochs", "1"]
    assert call(main, command) == 0
    before = kept.load(start)
    kept.save(start, before.recipe, [weights + 1 for weights in before.weights])
    assert call(main, command) == 2
    assert "until now this run learned from other start; name the same" in capsys.readouterr().err


def test_mistakes_are_one_sentence(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "wrong"\n[schedule]\nepoch = 3\n')
    shapeless = tmp_path / "shapeless.toml"
    shapeless.write_text('name = "shapeless"\n[network]\nkind = "cnn_two_block"\nwidths = [4, 4, 4, 4]\n')
    out = ["--out", str(tmp_path / "run")]
    for arguments, said in [
        (["fit", str(tmp_path / "none.toml"), *trained.data, *out], "none.toml"),
        (["fit", str(wrong), *trained.data, *out], "schedule.epoch"),
        (["fit", str(shapeless), *trained.data, *out], "network: cnn_two_block cannot be built"),
        (["tune", str(shapeless), *trained.data, "--field", "schedule.seed=1,2"], "network: cnn_two_block cannot be"),
        (["pack", str(shapeless), *trained.data, *out], "network: cnn_two_block cannot be built"),
        (["fit", str(trained.recipe), "--fer2013", "none.csv", "--ferplus", "none.csv", *out], "none.csv"),
        (["fit", str(trained.recipe), *trained.data, *out, "--resume", "--fresh"], "one of them"),
        (["evaluate", str(tmp_path / "none.keras"), *trained.data], "none.json"),
    ]:
        assert call(main, arguments) == 2
        message = capsys.readouterr().err
        assert said in message
        assert "Traceback" not in message
    assert not (tmp_path / "run" / "checkpoint").exists()


def test_a_warmup_as_long_as_the_run_is_refused_at_once(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "long.toml"
    recipe.write_text(trained.recipe.read_text().replace("warmup_epochs = 0.5", f"warmup_epochs = {EPOCHS}.0"))
    assert call(main, ["fit", str(recipe), *trained.data, "--out", str(tmp_path / "run")]) == 2
    assert f"warmup_epochs: {EPOCHS} must be less than epochs, {EPOCHS}" in capsys.readouterr().err


def test_clips_that_are_not_there_are_refused(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fit", str(trained.recipe), *trained.data, "--out", str(tmp_path / "run"), "--clips", "nowhere"]
    assert call(main, command) == 2
    assert "--clips none" in capsys.readouterr().err
