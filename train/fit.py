"""Train a recipe's network; an interrupted run continues from its last finished epoch."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING

import keras

from train import batch_norm, networks, precision
from train.augment import Augmentation
from train.batches import Batches
from train.callbacks import (
    EpochTime,
    FollowValidation,
    KeepFreedMemory,
    SeenFaces,
    StartEpoch,
    StartPhase,
    TimeIsUp,
    start_random_numbers,
)
from train.checkpoint import SaveCheckpoint, restore, save_whole
from train.datasets import fer2013
from train.embedding import load_backbone, with_backbone
from train.fused_norm import fused
from train.log import LOG, drop_unfinished, read_log
from train.losses import AttentionLoss, Distillation, HeadsLoss, MainAccuracy, MainCrossEntropy
from train.networks.ddamfn import MAP
from train.optimizers import is_over, make_optimizer
from train.phases import PhasedModel
from train.priors import learned_priors
from train.sharpness import SharpnessAwareModel
from train.teachers import Teachers
from train.untrained import untrained

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from train.callbacks import TimeLimit
    from train.examples import Examples
    from train.kept import KeptNetwork
    from train.recipes import DataConfig, Recipe, ScheduleConfig

CHECKPOINT = "checkpoint"
"""The folder of what a run goes on from, in the run's folder."""

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
        network = fused(start.build() if start else untrained(recipe, training.targets.shape[-1]))
        teaching = Teachers(teachers, training.heads, recipe.data.temperature) if teachers else None
    finally:
        keras.mixed_precision.set_global_policy("float32")
    augmentation = None if training.are_tracks else Augmentation(recipe.augment, name="augmentation")
    batches = Batches(training, schedule, recipe.data.balance)
    model = training_model(recipe, network, training, len(batches), augmentation, teaching)
    finished = restore(model, checkpoint, len(batches))
    drop_unfinished(folder / LOG, finished)
    model.fit(
        batches,
        initial_epoch=finished,
        epochs=_last_epoch(schedule, folder) if resume else schedule.epochs,
        shuffle=False,  # the batches are
        validation_data=(validation.inputs(), validation.targets),
        callbacks=[
            StartEpoch(batches, augmentation),
            *([StartPhase(schedule)] if schedule.phases else []),
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
    training: Examples,
    steps_per_epoch: int,
    augmentation: keras.layers.Layer | None = None,
    teaching: Teachers | None = None,
) -> keras.Model:
    """Return a network with its augmentation, its teachers, its loss and its optimizer, compiled to be trained."""
    heads, priors = training.heads, learned_priors(training, recipe.data.balance)
    no_pictures = recipe.data.tracks or recipe.network.landmarks
    pixels = keras.Input(network.input_shape[1:] if no_pictures else (fer2013.SIZE, fer2013.SIZE, 1))
    radius = recipe.schedule.sharpness_radius
    augmented = augmentation(pixels) if augmentation and not radius else pixels
    fitted = augmented if recipe.data.tracks else networks.fitted(augmented, network)
    logits = _with_attention_loss(network, recipe.loss.attention)(fitted)
    outputs = keras.layers.Concatenate()([logits, teaching(augmented)]) if teaching else logits
    make = PhasedModel if recipe.schedule.phases else keras.Model
    model = make(pixels, outputs, name="training")
    if radius:
        model = SharpnessAwareModel(model, augmentation, radius)
    model.compile(
        optimizer=make_optimizer(recipe.schedule, steps_per_epoch),
        loss=HeadsLoss(heads, _distillation(recipe.data, teaching), recipe.loss, priors),
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


def save_atomically(model: keras.Model, path: Path) -> None:
    """Write a ``.keras`` file as `save_whole` does, and the folder that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_whole(model.save, path)
