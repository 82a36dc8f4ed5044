from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import optuna
import pytest
from PIL import Image

from tests.train.synthetic import Run, call
from train import recipes
from train.__main__ import main
from train.recipes import RecipeError
from train.tune.fields import SearchedField, as_in, parse, with_values
from train.tune.search import open_study

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("network.dropout=0.1:0.5", SearchedField("network.dropout", 0.1, 0.5)),
        ("schedule.batch_size=16:64", SearchedField("schedule.batch_size", 16, 64)),
        ("schedule.learning_rate=1e-4:1e-2:log", SearchedField("schedule.learning_rate", 1e-4, 1e-2, log=True)),
        ("network.activation=relu,elu", SearchedField("network.activation", choices=('"relu"', '"elu"'))),
        ("network.widths=[8,16],[16,32]", SearchedField("network.widths", choices=("[8, 16]", "[16, 32]"))),
        ("augment.flip=true,false", SearchedField("augment.flip", choices=("true", "false"))),
    ],
)
def test_a_field_is_a_range_or_a_choice(text: str, field: SearchedField) -> None:
    assert parse(text) == field


@pytest.mark.parametrize(
    "text",
    [
        "dropout",
        "=1:2",
        "a=",
        "a=2:1",
        "a=1:1",
        "a=0:1:log",
        "a=1:2:lin",
        "a=x:y",
        "a=1:2:log:3",
        "a=0:inf",
        "a=inf",
        "a=2020-01-01",
    ],
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="--field"):
        parse(text)


def test_any_field_of_a_recipe_can_have_another_value() -> None:
    recipe = recipes.load(recipes.FOLDER / "cnn_two_block.toml")
    changed = with_values(recipe, {"network.widths": [8, 16, 32], "network.activation": "elu", "network.dropout": 0.4})
    assert changed.network.model_dump()["widths"] == (8, 16, 32)
    assert changed.network.model_dump()["activation"] == "elu"
    with pytest.raises(RecipeError, match=r"network\.depth: cnn_two_block has no such field; .*network\.dropout"):
        with_values(recipe, {"network.depth": 3})
    with pytest.raises(RecipeError, match=r"network\.dropout=1\.5: network.*less than 1"):
        with_values(recipe, {"network.dropout": 1.5})


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("schedule.mixup=0:1", 0.0, 1.0),
        ("schedule.batch_size=16:64", 16, 64),
        ("schedule.batch_size=16.0:64.0", 16, 64),
    ],
)
def test_a_range_is_searched_as_the_recipe_s_field_is(text: str, low: float, high: float) -> None:
    recipe = recipes.load(recipes.FOLDER / "cnn_two_block.toml")
    found = as_in(recipe, parse(text))
    assert (found.low, found.high) == (low, high)
    assert {type(found.low), type(found.high)} == {type(low)}
    with pytest.raises(RecipeError, match="schedule"):
        as_in(recipe, parse("schedule.batch_size=0.5:64"))


def test_a_search_goes_on_where_another_machine_left_it(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot, storage = tmp_path / "search.png", f"sqlite:///{tmp_path / 'study.db'}"
    common = ["tune", str(trained.recipe), *trained.data, "--clips", "none", "--epochs", "1", "--faces", "64"]
    common += ["--storage", storage]
    fields = ["--field", "schedule.learning_rate=1e-5:1e-2:log", "--field", "network.stem=16,24"]
    assert call(main, [*common, *fields, "--trials", "1"]) == 0
    assert "tiny: 1 trials" in capsys.readouterr().out
    study = optuna.load_study(study_name="tiny", storage=storage)
    ((first,), space) = study.trials, study.trials[0].distributions
    assert 0 < (first.value or 0) <= 1
    for stem, rate, value in (("16", 0.001, 0.3), ("24", 0.004, 0.5)):  # those of other machines
        params = {"schedule.learning_rate": rate, "network.stem": stem}
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=value))
    pruned, seen = optuna.trial.TrialState.PRUNED, {0: 0.2, 1: 0.1}
    study.add_trial(optuna.create_trial(state=pruned, params=params, distributions=space, intermediate_values=seen))
    assert call(main, [*common, *fields, "--trials", "1", "--show", str(plot)]) == 0
    said = capsys.readouterr().out
    assert "tiny: 5 trials" in said
    assert {"stem", "learning_rate"} <= set(said.split())
    with Image.open(plot) as drawn:
        assert drawn.size[0] > 2 * drawn.size[1] > 800

    assert call(main, [*common, "--trials", "0"]) == 0
    assert "tiny: 5 trials" in capsys.readouterr().out
    assert call(main, [*common, "--field", "network.stem=16,32", "--trials", "1"]) == 2
    assert "is another search (fields differ)" in capsys.readouterr().err


def test_a_seed_gives_the_same_search_again_and_none_that_repeats_itself(tmp_path: Path) -> None:
    recipe, rate = recipes.load(recipes.FOLDER / "cnn_two_block.toml"), parse("schedule.learning_rate=1e-4:1e-2:log")

    def suggested(storage: str, seed: int | None = 1) -> float:
        study = open_study(recipe, [rate], f"sqlite:///{tmp_path / storage}", {}, seed)
        return float(rate.suggest(study.ask()))

    first, again, going_on, unlike = suggested("one"), suggested("two"), suggested("one"), suggested("three", seed=2)
    assert first == again
    assert len({first, going_on, unlike}) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trials", "1"], "name at least one field"),
        (["--field", "network.dropout=0.1:1.5"], "network.dropout=1.5"),
        (["--field", "network.dropout=0.1:0.5", "--storage", "nonsense"], "--storage nonsense"),
        (["--field", "data.face_weight=0.1:2"], "data.face_weight: all trials learn from the same pictures and labels"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(
    arguments: list[str], said: str, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ["--storage", f"sqlite:///{tmp_path / 'study.db'}"] if "--storage" not in arguments else []
    assert call(main, ["tune", str(trained.recipe), *trained.data, "--clips", "none", *usual, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_storage_s_password_is_not_shown(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    storage = "nothing://me:hunter2@host/search"
    command = ["tune", str(trained.recipe), *trained.data, "--field", "network.dropout=0.1:0.5", "--storage", storage]
    assert call(main, command) == 2
    said = capsys.readouterr().err
    assert "--storage nothing://" in said
    assert "hunter2" not in said


def test_without_optuna_it_says_what_to_install(
    trained: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert call(main, ["tune", str(trained.recipe), *trained.data, "--field", "network.dropout=0.1:0.5"]) == 2
    assert "-m pip install -r requirements/tune.txt" in capsys.readouterr().err
