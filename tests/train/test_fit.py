from __future__ import annotations

import gc
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from edge.inference.outputs import softmax
from tests.train.synthetic import PER_LABEL, Run
from train import checkpoint, precision, recipes
from train import fit as fitting
from train.evaluate.models import keras_logits
from train.evaluate.protocols import evaluate_all, load_tests
from train.examples import Examples
from train.fit import fit
from train.heads import heads_of
from train.log import LOG, read_log
from train.targets import training_examples


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


def test_some_of_all_pictures_have_their_share_without_labels(split: tuple[Examples, Examples]) -> None:
    faces = split[0].sample(60, 1)
    without = [np.concatenate([part, np.zeros_like(part[:40])]) for part in (faces.pixels, faces.targets)]
    both = Examples(without[0], without[1], faces.heads)
    assert both.sample(50, 1).taught(faces.heads[0]).sum() == 50
    assert 10 < both.sample(50, 1, labelled=False).taught(faces.heads[0]).sum() < 50


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
