"""Train a recipe's network; an interrupted run continues from its last finished epoch."""

from __future__ import annotations

import csv
import re
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from edge.files import write_atomically
from edge.text import first_line
from train import batch_norm, networks, precision
from train.augment import Augmentation
from train.batches import Batches
from train.callbacks import (
    EpochTime,
    FollowValidation,
    KeepFreedMemory,
    SeenFaces,
    StartEpoch,
    TimeIsUp,
    start_random_numbers,
)
from train.checkpoint import SaveCheckpoint, restore
from train.datasets import DataError, fer2013
from train.embedding import load_backbone, with_backbone
from train.heads import heads_of
from train.losses import AttentionLoss, Distillation, HeadsLoss, MainAccuracy, MainCrossEntropy
from train.networks.ddamfn import MAP
from train.networks.efficientnet_b0 import load_body
from train.optimizers import is_over, make_optimizer
from train.recipes import REPOSITORY, RecipeError
from train.teachers import Teachers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from train.callbacks import TimeLimit
    from train.examples import Examples
    from train.heads import Head
    from train.kept import KeptNetwork
    from train.recipes import DataConfig, Recipe, ScheduleConfig

CHECKPOINT = "checkpoint"
"""The folder of what a run goes on from, in the run's folder."""

LOG = "log.csv"
"""One row per epoch, in the run's folder."""

BEST = "best.weights.h5"
"""The weights of the best epoch so far, in the run's folder, where the schedule may stop early."""


def fit(  # noqa: PLR0913  # data, folder and what it learns from
    recipe: Recipe,
    training: Examples,
    validation: Examples,
    folder: Path,
    *,
    resume: bool,
    teachers: Sequence[KeptNetwork] = (),
    start: KeptNetwork | None = None,
    limit: TimeLimit | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Train one model.

    Args:
        recipe: Everything that decides the outcome.
        training: Pictures and targets.
        validation: Pictures and targets for the curves; they change no weight.
        folder: Where checkpoints and `LOG` are written.
        resume: Continue from the folder's last finished epoch instead of starting over.
        teachers: Networks whose answers are learned beside the labels.
        start: The weights to start from; None: random ones.
        limit: Ends the run before an epoch that would take too long.
        callbacks: What else follows the epochs; they change no weight.

    Returns:
        The network in float32 with the averaged weights, from ``(N, 48, 48, 1)`` gray levels to ``(N, K)`` logits of
        all heads, without augmentation; of tracks, from ``(N, T, D)`` embeddings to ``(N, T, K)``.

    Raises:
        DataError: The checkpoint to continue from is damaged, or was made with other data.
        TimeIsUp: The limit ended the run; it can be resumed.
    """
    checkpoint = folder / CHECKPOINT
    if not resume:
        shutil.rmtree(checkpoint, ignore_errors=True)
        (folder / LOG).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)

    schedule = recipe.schedule
    keras.utils.set_random_seed(schedule.seed)
    keras.mixed_precision.set_global_policy(precision.policy(recipe))
    try:
        network = start.build() if start else _random(recipe, training.targets.shape[-1])
        teaching = Teachers(teachers, training.heads, recipe.data.temperature) if teachers else None
    finally:
        keras.mixed_precision.set_global_policy("float32")
    augmentation = None if training.are_tracks else Augmentation(recipe.augment, name="augmentation")
    batches = Batches(training, schedule, recipe.data.balance)
    model = training_model(recipe, network, training.heads, len(batches), augmentation, teaching)
    finished = restore(model, checkpoint, len(batches))
    _drop_unfinished(folder / LOG, finished)
    model.fit(
        batches,
        initial_epoch=finished,
        epochs=_last_epoch(schedule, folder) if resume else schedule.epochs,
        shuffle=False,  # the batches are
        validation_data=(validation.inputs(), validation.targets),
        callbacks=[
            StartEpoch(batches, augmentation),
            KeepFreedMemory(),
            keras.callbacks.SwapEMAWeights(),  # validation sees the averaged weights
            SeenFaces(training.sample(len(validation), schedule.seed)),
            EpochTime(),
            keras.callbacks.CSVLogger(folder / LOG, append=True),
            FollowValidation(schedule, partial(read_log, folder), network, folder / BEST),
            *([limit] if limit else []),
            *callbacks,
            SaveCheckpoint(checkpoint, folder / LOG),
        ],
        verbose=1 if sys.stdout.isatty() else 2,
    )
    if limit and (done := len(read_log(folder)["epoch"])) < _last_epoch(schedule, folder):
        message = f"{recipe.name}: {done} of {schedule.epochs} epochs are done"
        raise TimeIsUp(message)
    if schedule.stop_after:
        network.load_weights(folder / BEST)
    plain = networks.build(recipe.network, training.targets.shape[-1])
    plain.set_weights(_with_start(network.get_weights(), start, recipe.start_share))
    if schedule.norm_batches and augmentation:
        batches.start(schedule.epochs - 1)
        start_random_numbers(augmentation, schedule.epochs)
        augmentation.is_light.assign(float(batches.is_light))
        chosen = range(min(schedule.norm_batches, len(batches)))
        seen = (augmentation(batches[i][0], training=True) for i in chosen)
        batch_norm.estimate(plain, (networks.fitted(pictures, plain) for pictures in seen))
    return plain


def _random(recipe: Recipe, classes: int) -> keras.Model:
    """Return the recipe's network with random weights, but those of its body that the recipe names a file for.

    Raises:
        RecipeError: The file is missing, or holds something else.
    """
    network = networks.build(recipe.network, classes)
    if isinstance(recipe.network, networks.EfficientNetB0Config) and recipe.network.weights:
        file = REPOSITORY / recipe.network.weights
        try:
            load_body(network, file)
        except (OSError, ValueError) as error:
            message = f"network.weights: {file}: no weights of this network's body: {first_line(error)}"
            raise RecipeError(message) from error
    return network


def check_network(recipe: Recipe) -> None:
    """Build a recipe's network once, before its data are read, which takes long.

    Raises:
        RecipeError: It cannot be built, or the schedule names a part that it does not have.
    """
    classes = heads_of(recipe.data)[-1].columns.stop
    try:
        network = networks.build(recipe.network, classes) if recipe.start else _random(recipe, classes)
    except ValueError as error:
        message = f"network: {recipe.network.kind} cannot be built with these values: {first_line(error)}"
        raise RecipeError(message) from error
    paths = [weight.path for weight in network.weights]
    frozen = [name for phase in recipe.schedule.phases for name in phase.frozen]
    for key, names in (("rates", recipe.schedule.rates), ("phases.frozen", frozen)):
        for name in names:
            if not any(path.startswith(name) for path in paths):
                known = ", ".join(dict.fromkeys(re.split("[/_]", path)[0] for path in paths))
                message = f"schedule.{key}: no layer's name begins with {name!r}; they begin with {known}"
                raise RecipeError(message)


def _with_attention_loss(network: keras.Model, attention: float) -> keras.Model:
    """Return the network with the loss of its attention maps, if there is one."""
    if not attention:
        return network
    maps = [layer.output for layer in network.layers if layer.name.startswith(MAP.format(""))]
    return keras.Model(network.input, AttentionLoss(attention)([network.output, *maps]))


def _last_epoch(schedule: ScheduleConfig, folder: Path) -> int:
    """Return how many epochs a resumed run has in all: no more than it has if it was over already."""
    if not (folder / LOG).exists():
        return schedule.epochs
    accuracies = read_log(folder).get("val_accuracy", [])  # none in a run that was stopped in its first epoch
    return len(accuracies) if accuracies and is_over(schedule, accuracies) else schedule.epochs


def training_model(  # the network and what is around it
    recipe: Recipe,
    network: keras.Model,
    heads: tuple[Head, ...],
    steps_per_epoch: int,
    augmentation: keras.layers.Layer | None = None,
    teaching: Teachers | None = None,
) -> keras.Model:
    """Return a network with its augmentation, its teachers, its loss and its optimizer, compiled to be trained."""
    no_pictures = recipe.data.tracks or recipe.network.landmarks
    pixels = keras.Input(network.input_shape[1:] if no_pictures else (fer2013.SIZE, fer2013.SIZE, 1))
    augmented = augmentation(pixels) if augmentation else pixels
    fitted = augmented if recipe.data.tracks else networks.fitted(augmented, network)
    logits = _with_attention_loss(network, recipe.loss.attention)(fitted)
    outputs = keras.layers.Concatenate()([logits, teaching(augmented)]) if teaching else logits
    model = keras.Model(pixels, outputs, name="training")
    model.compile(
        optimizer=make_optimizer(recipe.schedule, steps_per_epoch),
        loss=HeadsLoss(heads, _distillation(recipe.data, teaching), recipe.loss),
        metrics=[MainAccuracy(heads), MainCrossEntropy(heads)],
        # XLA on TensorFlow's CPU has no affine resampling; JAX is slow without it.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    model.optimizer.build(model.trainable_variables)  # TensorFlow traces a step twice that makes variables
    return model


def _with_start(
    trained: list[NDArray[np.float32]], start: KeptNetwork | None, share: float
) -> list[NDArray[np.float32]]:
    """Return trained weights, with a share of those that they started from."""
    if start is None or not share:
        return trained
    return [share * before + (1 - share) * after for before, after in zip(start.weights, trained, strict=True)]


def _distillation(data: DataConfig, teaching: Teachers | None) -> Distillation | None:
    return Distillation(data.teacher_weight, data.temperature, teaching.known) if teaching else None


def only(network: keras.Model, recipe: Recipe, columns: list[int]) -> keras.Model:
    """Return a trained network with only some of its outputs; one of embeddings with its backbone before it."""
    if backbone := load_backbone(recipe):
        return with_backbone(network, backbone)
    plain = networks.build(recipe.network, len(columns))
    if recipe.network.one_model:
        plain.set_weights(network.get_weights())
        return plain
    *trunk, kernel, bias = network.get_weights()
    plain.set_weights([*trunk, kernel[:, columns], bias[columns]])
    return plain


def _drop_unfinished(log: Path, finished: int) -> None:
    """Take out of a log what a resumed run writes again: epochs without a checkpoint, and a row that was cut off."""
    if not log.exists():
        return
    lines = log.read_bytes().splitlines(keepends=True)
    epochs = (line.partition(b",")[0] for line in lines)
    kept = [
        line
        for line, epoch in zip(lines, epochs, strict=True)
        if line.endswith(b"\n") and not (epoch.isdigit() and int(epoch) >= finished)
    ]
    if kept != lines:
        write_atomically(log, b"".join(kept))


def read_log(folder: Path) -> dict[str, list[float]]:
    """Return a run's curves: a list per column, one value per epoch.

    An epoch that an older version ran twice, because the run was interrupted before its checkpoint, counts once.

    Raises:
        DataError: A row is damaged.
        OSError: There is no log.
    """
    path = folder / LOG
    rows: dict[int, list[float]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        try:
            header = next(reader, ["epoch"])  # the first epoch of a run may not have ended
            # A run that an older version began has no name for the time, which is the last value.
            widths = {len(header), len(header) + ("wall_s" not in header)}
            for row in reader:
                _check_row(row, header, widths)
                rows[int(row[0])] = [float(value) for value in row]
        except (ValueError, csv.Error) as error:
            message = f"{path}: line {reader.line_num} is damaged: {first_line(error)}; write --fresh to start over"
            raise DataError(message) from error
    return {name: [rows[epoch][column] for epoch in sorted(rows)] for column, name in enumerate(header)}


def _check_row(row: list[str], header: list[str], widths: set[int]) -> None:
    if header[:1] != ["epoch"] or len(row) not in widths:
        message = f"it has {len(row)} values, and the first line names {len(header)}"
        raise ValueError(message)


def save_atomically(model: keras.Model, path: Path) -> None:
    """Write a ``.keras`` file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        whole = Path(scratch) / path.name
        model.save(whole)
        whole.replace(path)
