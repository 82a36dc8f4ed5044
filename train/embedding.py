"""A kept network as the frozen backbone of another: its embedding is what its last layer takes.

Two kinds of networks have one: those over the frames of a track, and forests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from train import kept
from train.heads import LABELS
from train.networks import RandomForestHeadConfig
from train.recipes import REPOSITORY, RecipeError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from train.kept import KeptNetwork
    from train.recipes import Recipe

_LAST = "logits"
"""The name of every network's last layer."""


def load_backbone(recipe: Recipe) -> KeptNetwork | None:
    """Return the frozen network whose embeddings a recipe's network takes, if it takes any.

    Raises:
        RecipeError: It is missing, or its embeddings or its labels are not those that the recipe needs.
    """
    tracks, network = recipe.data.tracks, recipe.network
    if tracks:
        file, sha256 = tracks.network, tracks.sha256
    elif isinstance(network, RandomForestHeadConfig):
        file, sha256 = network.features, network.sha256
    else:
        return None
    backbone = kept.load(REPOSITORY / file)
    if sha256 not in {"", backbone.sha256}:
        message = f"{file} is not the one that {recipe.name} was trained with; train it again"
        raise RecipeError(message)
    if backbone.recipe.network.one_model or not kept.takes_pictures(backbone.recipe):
        key = "data.tracks.network" if tracks else "network.features"
        message = f"{key}: {file}: its last layer does not take the features of a picture"
        raise RecipeError(message)
    if tracks:
        _check_tracks(recipe, file, backbone)
    return backbone


def _check_tracks(recipe: Recipe, file: Path, backbone: KeptNetwork) -> None:
    """Refuse a backbone whose embeddings or labels are not those of the recipe."""
    wanted, found = getattr(recipe.network, "embedding", None), width(backbone)
    if wanted != found:
        message = f"network.embedding: {wanted} must be {found}, as {file} has it"
        raise RecipeError(message)
    if LABELS[recipe.data.training] not in {head.labels for head in backbone.heads}:
        message = f"data.tracks.network: {file} has no labels of {recipe.data.training}"
        raise RecipeError(message)


def pinned(recipe: Recipe) -> Recipe:
    """Return a recipe that names the bytes of its network's backbone, if it has any; errors as of `load_backbone`."""
    backbone = load_backbone(recipe)
    if backbone is None:
        return recipe
    said = {"sha256": backbone.sha256}
    if recipe.data.tracks is None:
        return recipe.model_copy(update={"network": recipe.network.model_copy(update=said)})
    data = recipe.data.model_copy(update={"tracks": recipe.data.tracks.model_copy(update=said)})
    return recipe.model_copy(update={"data": data})


def width(network: KeptNetwork) -> int:
    """Return the length of a network's embeddings."""
    return len(_head(network)[0])


def embedder(network: KeptNetwork) -> keras.Model:
    """Return the network from ``(N, H, W, 1)`` gray levels to ``(N, D)``, what its last layer takes; frozen."""
    whole = network.build()
    body = keras.Model(whole.input, whole.get_layer(_LAST).input, name="backbone")
    body.trainable = False
    return body


def answers(network: KeptNetwork, labels: tuple[str, ...], embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits, ``(..., C)``, that the network's head of these labels has for embeddings, ``(..., D)``."""
    kernel, bias = _head(network)
    columns = next(each.columns for each in network.heads if each.labels == labels)
    return np.asarray(embeddings @ kernel[:, columns] + bias[columns], np.float32)


def with_backbone(network: keras.Model, backbone: KeptNetwork) -> keras.Model:
    """Return a network of embeddings with its backbone before it.

    Returns:
        Of a network over frames, a model from ``(N, T, H, W, 1)`` gray levels, a track's frames, to ``(N, T, C)``
        logits; ``T`` is free. Of one of single pictures, from ``(N, H, W, 1)`` to ``(N, C)``.
    """
    side, embed = backbone.recipe.network.size, embedder(backbone)
    if len(network.input_shape) == 2:
        return keras.Model(embed.input, network(embed.output), name=network.name)
    frames = keras.Input((None, side, side, 1), name="frames")
    seen = keras.layers.TimeDistributed(embed, name="embeddings")(frames)
    return keras.Model(frames, network(seen), name="over_frames")


def _head(network: KeptNetwork) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return kernel and bias of the last layer."""
    *_, kernel, bias = network.weights
    return kernel, bias
