"""Grow a recipe's random forest with scikit-learn, and turn it into the weights of its network."""

from __future__ import annotations

import csv
import io
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from edge.files import write_atomically
from train import networks
from train.embedding import embedder, load_backbone
from train.evaluate.models import keras_logits
from train.log import LOG
from train.networks import RandomForestHeadConfig
from train.networks.random_forest_head import ALWAYS_LEFT
from train.recipes import RecipeError

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from train.examples import Examples
    from train.recipes import Recipe

MOST_FEATURES = 2048
"""Half precision, in which weights are kept, counts no further by ones."""

_BATCH = 256


def fit(recipe: Recipe, training: Examples, validation: Examples, folder: Path) -> keras.Model:
    """Grow the forest on the features of training faces, of which the most probable label counts.

    Args:
        recipe: Of a `RandomForestHeadConfig`; of its schedule the seed alone counts.
        training: Pictures and targets.
        validation: Pictures and targets for the one row of the log; they change nothing.
        folder: Where the log is written.

    Returns:
        The forest, from ``(N, D)`` features to ``(N, K)`` logits.

    Raises:
        RecipeError: The network of the features is missing, or has too many of them.
    """
    config, backbone = recipe.network, load_backbone(recipe)
    if backbone is None or not isinstance(config, RandomForestHeadConfig):
        message = f"{recipe.name}: {config.kind} is no forest"
        raise RecipeError(message)
    began = time.monotonic()
    embed = keras_logits(embedder(backbone))
    features, checked = (embed(examples.pixels) for examples in (training, validation))
    if features.shape[1] > MOST_FEATURES:
        message = f"network.features: {config.features} has {features.shape[1]:,} features, more than {MOST_FEATURES:,}"
        raise RecipeError(message)
    labels, truth = (examples.targets.argmax(axis=1) for examples in (training, validation))
    grown = RandomForestClassifier(
        config.trees,
        max_depth=config.depth,
        class_weight=None if recipe.data.balance == "none" else "balanced",
        random_state=recipe.schedule.seed,
        n_jobs=-1,
    ).fit(features, labels)
    network = networks.build(config, training.targets.shape[1])
    network.set_weights(as_weights(grown, config.depth, training.targets.shape[1]))
    figures = {
        **_figures("seen_", network, features, labels),
        **_figures("val_", network, checked, truth),
        "wall_s": round(time.monotonic() - began, 1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / LOG, _one_row({"epoch": 0, **figures}))
    return network


def as_weights(forest: RandomForestClassifier, depth: int, classes: int) -> list[NDArray[np.float32]]:
    """Return the weights of `train.networks.random_forest_head.Forest` that answer as a forest does.

    Args:
        forest: A grown forest, no deeper than `depth`; its classes are numbers.
        depth: Questions from each root to a leaf.
        classes: How many there are; a forest may not have seen all.
    """
    which = np.zeros((len(forest.estimators_), 2**depth - 1), np.float32)
    threshold = np.full_like(which, ALWAYS_LEFT)
    leaves = np.zeros((len(which), 2**depth, classes), np.float32)
    for number, tree in enumerate(each.tree_ for each in forest.estimators_):
        # Of each level's places the tree's node: where it ends early, the same one to both sides.
        nodes: NDArray[Any] = np.zeros(1, np.intp)
        for level in range(depth):
            asks = tree.children_left[nodes] >= 0
            row = slice(2**level - 1, 2 ** (level + 1) - 1)
            which[number, row] = np.where(asks, tree.feature[nodes], 0)
            threshold[number, row] = np.where(asks, _rounded_down(tree.threshold[nodes]), ALWAYS_LEFT)
            sides = (np.where(asks, side[nodes], nodes) for side in (tree.children_left, tree.children_right))
            nodes = np.stack(list(sides), axis=1).ravel()
        answers = tree.value[nodes, 0]
        leaves[number][:, forest.classes_.astype(int)] = answers / answers.sum(axis=1, keepdims=True)
    return [which, threshold, leaves]


def _rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is no larger: then no float32 is on another side of it."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


def _figures(
    prefix: str, network: keras.Model, features: NDArray[np.float32], labels: NDArray[np.intp]
) -> dict[str, float]:
    """Return accuracy and cross-entropy, in the names of a training's log."""
    logits = network.predict(features, batch_size=_BATCH, verbose=0)
    logits = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return {
        f"{prefix}accuracy": float((logits.argmax(axis=1) == labels).mean()),
        f"{prefix}cross_entropy": float(-logits[np.arange(len(labels)), labels].mean()),
    }


def _one_row(values: dict[str, float]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, values)
    writer.writeheader()
    writer.writerow(values)
    return text.getvalue()
