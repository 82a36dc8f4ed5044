from __future__ import annotations

import gc
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from edge.inference.outputs import softmax
from tests.train.synthetic import EPOCHS, PER_LABEL, Run, call
from train import checkpoint, learned, precision, recipes, runs
from train import fit as fitting
from train.__main__ import main
from train.datasets import DataError
from train.evaluate.models import keras_logits
from train.evaluate.protocols import evaluate_all, load_tests
from train.examples import Examples
from train.fit import fit
from train.heads import heads_of
from train.log import LOG, drop_unfinished, read_log
from train.targets import training_examples, validation_examples


@pytest.fixture(scope="session")
def split(trained: Run) -> tuple[Examples, Examples]:
    data = recipes.load(trained.recipe).data
    return (
        training_examples(data, trained.fer2013, trained.ferplus, None),
        validation_examples(data, trained.fer2013, trained.ferplus),
    )


def right(model: keras.Model, examples: Examples) -> float:
    """How often the first head is."""
    emotions = examples.heads[0].columns
    answers = keras_logits(model)(examples.pixels)[:, emotions].argmax(axis=1)
    return float((answers == examples.targets[:, emotions].argmax(axis=1)).mean())


def finished_epochs(folder: Path) -> int:
    """How many epochs the checkpoint holds."""
    with h5py.File(folder / fitting.CHECKPOINT / checkpoint.FILE) as file:
        return int(file["optimizer/vars/0"][()]) // STEPS


class CutIn(keras.callbacks.CSVLogger):  # type: ignore[misc]  # keras has no types
    """Ends the run, as Ctrl-C does, when the second epoch is logged but not safe yet."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt


RANDOM = recipes.Recipe.model_validate(
    {
        "name": "random",
        "data": {"training": "fer2013"},
        "network": {"stem": 16, "widths": [16], "blocks": [1], "dropout": 0.3},
        "schedule": {"epochs": 3, "batch_size": 16, "warmup_epochs": 0.5, "norm_batches": 2},
    }
)
"""Everything in it that is random is: the order, the augmentation, the dropout, and the final statistics."""


STEPS = 3
"""Of an epoch of 48 pictures."""


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Keras leaves the log open when interrupted
def test_an_interrupted_run_goes_on_as_an_unbroken_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (48, 48, 48), np.uint8)
    some = Examples(pictures, np.eye(7, dtype=np.float32)[np.arange(48) % 7], heads_of(RANDOM.data))
    unbroken, folder = tmp_path / "unbroken", tmp_path / "broken"
    unbroken.mkdir()
    (unbroken / LOG).touch()  # as of a run that was stopped in its first epoch
    wanted = fit(RANDOM, some, some, unbroken, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(keras.callbacks, "CSVLogger", CutIn)
        with pytest.raises(KeyboardInterrupt):
            fit(RANDOM, some, some, folder, resume=False)
    gc.collect()
    assert finished_epochs(folder) == 1
    # An older version wrote the number of the epoch into a file of its own, which a power cut left empty.
    (folder / fitting.CHECKPOINT / "training_metadata.json").touch()
    with (folder / LOG).open("a") as log:
        log.write("2,0.2")  # the disk is full

    given = fit(RANDOM, some, some, folder, resume=True)

    rows = (folder / LOG).read_text().splitlines()
    assert sum(row.startswith("0,") for row in rows) == 1  # it did not start over
    history, expected = read_log(folder), read_log(unbroken)
    assert min(history.pop("wall_s")) > 0
    for name, curve in history.items():
        assert curve == pytest.approx(expected[name], rel=1e-4)
    for one, other in zip(given.get_weights(), wanted.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-4)


HEADER, ROW = "epoch,loss,val_loss,wall_s\r\n", "{},0.5,0.25,9.0\r\n"


@pytest.mark.parametrize(
    ("rows", "finished", "kept"),
    [
        (HEADER + ROW.format(0) + ROW.format(1) + "2,0.", 2, HEADER + ROW.format(0) + ROW.format(1)),
        (HEADER + ROW.format(0) + ROW.format(1), 1, HEADER + ROW.format(0)),
        (HEADER + ROW.format(0) + ROW.format(1)[:-1], 2, HEADER + ROW.format(0)),
        (HEADER + ROW.format(0), 0, HEADER),
        (HEADER[:9], 0, ""),
    ],
)
def test_what_a_checkpoint_does_not_have_goes_out_of_the_log(
    tmp_path: Path, rows: str, finished: int, kept: str
) -> None:
    log = tmp_path / LOG
    log.write_bytes(rows.encode())
    drop_unfinished(log, finished)
    assert log.read_bytes() == kept.encode()


@pytest.mark.parametrize("row", ["1,0.5\r\n", "1,0.52,0.5,0.25,9.0\r\n", "1,0.5,0.2.5,9.0\r\n", "1,0.5,\0\0,9.0\r\n"])
def test_a_damaged_row_of_a_log_is_one_sentence(tmp_path: Path, row: str) -> None:
    (tmp_path / LOG).write_text(HEADER + ROW.format(0) + row, newline="")
    with pytest.raises(DataError, match=r"log\.csv: line 3 is damaged: .*--fresh"):
        read_log(tmp_path)


def test_a_log_that_an_older_version_began_has_no_name_for_the_time(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("epoch,loss,val_loss\n0,0.5,0.25\n1,0.4,0.2,9.0\n")
    assert read_log(tmp_path) == {"epoch": [0, 1], "loss": [0.5, 0.4], "val_loss": [0.25, 0.2]}


def test_the_model_that_is_kept_is_the_one_the_curves_show(trained: Run, split: tuple[Examples, Examples]) -> None:
    history = read_log(trained.out)
    model = keras.models.load_model(trained.model, compile=False)
    # Training runs in bfloat16, what is kept in float32: a face on the fence may fall to either side.
    assert right(model, split[1]) == pytest.approx(history["val_accuracy"][-1], abs=0.015)
    assert history["val_accuracy"][-1] > 0.8
    assert history["loss"][-1] < history["loss"][0] - 0.3  # the votes' noise keeps the rest


def test_training_faces_are_evaluated_as_validation_faces_are(trained: Run, split: tuple[Examples, Examples]) -> None:
    history = read_log(trained.out)
    seen = split[0].sample(len(split[1]), recipes.load(trained.recipe).schedule.seed)
    model = keras.models.load_model(trained.model, compile=False)
    assert right(model, seen) == pytest.approx(history["seen_accuracy"][-1], abs=0.015)
    logits = keras_logits(model)(seen.pixels)
    entropy = -(seen.targets * np.log(softmax(logits))).sum(axis=1).mean()
    assert entropy == pytest.approx(history["seen_cross_entropy"][-1], rel=0.05)
    assert history["val_cross_entropy"][-1] > 0


def test_a_backend_without_a_gpu_may_say_so_by_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def jax(_kind: str) -> list[str]:
        message = "Unknown backend: 'gpu' requested"
        raise RuntimeError(message)

    monkeypatch.setattr(keras.distribution, "list_devices", jax)
    monkeypatch.setattr(precision, "_CPU", Path("/nowhere"))
    assert not precision.has_bfloat16()


def test_mixup_light_epochs_and_squeeze_excite_train(
    trained: Run, split: tuple[Examples, Examples], tmp_path: Path
) -> None:
    recipe = recipes.load(trained.recipe)
    network = recipe.network.model_copy(update={"squeeze": 0.25})
    schedule = recipe.schedule.model_copy(update={"mixup": 0.4, "light_epochs": 2})
    fit(recipe.model_copy(update={"network": network, "schedule": schedule}), *split, tmp_path, resume=False)
    history = read_log(tmp_path)
    assert history["val_accuracy"][-1] > 0.5
    assert history["loss"][-2] < history["loss"][-3] - 0.1  # the light epochs' pictures are easier


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


def test_early_stopping_keeps_the_best_epoch(trained: Run, split: tuple[Examples, Examples], tmp_path: Path) -> None:
    changed = {"epochs": 40, "stop_after": 1, "ema_momentum": 0.0, "decay": "plateau", "warmup_epochs": 0.0}
    recipe = recipes.load(trained.recipe)
    schedule = recipes.ScheduleConfig.model_validate(recipe.schedule.model_dump() | changed)
    recipe = recipe.model_copy(update={"schedule": schedule})
    training = split[0].sample(100, 1)
    model = fit(recipe, training, split[1], tmp_path, resume=False)
    accuracies = read_log(tmp_path)["val_accuracy"]
    assert len(accuracies) == int(np.argmax(accuracies)) + 2 < 40
    assert right(model, split[1]) == pytest.approx(max(accuracies), abs=0.015)

    rows = (tmp_path / LOG).read_text()
    again = fit(recipe, training, split[1], tmp_path, resume=True)  # nothing is left to do
    assert (tmp_path / LOG).read_text() == rows
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_fer2013_s_labels_alone_need_no_votes(trained: Run) -> None:
    nowhere = Path("none.csv")
    training = training_examples(recipes.DataConfig(training="fer2013"), trained.fer2013, nowhere, None)
    assert training.rows() == {"fer2013 Training": 8 * PER_LABEL["Training"]}
    labels = training.heads[0].labels
    tests = load_tests(trained.fer2013, None)
    found = evaluate_all(lambda pixels: np.eye(7, dtype=np.float32)[pixels[:, 0, 0] % 7], labels, tests)
    public, private, both = (found[name]["fer2013"] for name in ("PublicTest", "PrivateTest", "both"))
    assert both.n == public.n + private.n == 8 * (PER_LABEL["PublicTest"] + PER_LABEL["PrivateTest"])
    assert both.accuracy * both.n == pytest.approx(public.accuracy * public.n + private.accuracy * private.n)
