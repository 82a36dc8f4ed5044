"""A kept network as the eyes of another: what it makes of a picture before it names an emotion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from train import kept
from train.recipes import REPOSITORY, RecipeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.kept import KeptNetwork
    from train.recipes import Recipe

_LAST = "logits"
"""The name of every network's last layer."""


def load_eyes(recipe: Recipe) -> KeptNetwork | None:
    """Return the frozen network whose embeddings a recipe's network takes, if it takes any.

    Raises:
        RecipeError: It is missing, or its embeddings or its labels are not those that the recipe needs.
    """
    if not recipe.data.tracks:
        return None
    file = recipe.data.tracks.network
    network = kept.load(REPOSITORY / file)
    if recipe.data.tracks.sha256 not in {"", network.sha256}:
        message = f"data.tracks.network: {file} is not the one that {recipe.name} was trained with; train it again"
        raise RecipeError(message)
    wanted, found = getattr(recipe.network, "embedding", None), width(network)
    if wanted != found:
        message = f"network.embedding: {wanted} must be {found}, as {file} has it"
        raise RecipeError(message)
    if recipe.data.training not in {head.name for head in network.heads}:
        message = f"data.tracks.network: {file} has no labels of {recipe.data.training}"
        raise RecipeError(message)
    return network


def pinned(recipe: Recipe) -> Recipe:
    """Return a recipe that names the bytes of the network that sees its tracks; errors as of `load_eyes`."""
    eyes, tracks = load_eyes(recipe), recipe.data.tracks
    if eyes is None or tracks is None:
        return recipe
    data = recipe.data.model_copy(update={"tracks": tracks.model_copy(update={"sha256": eyes.sha256})})
    return recipe.model_copy(update={"data": data})


def width(network: KeptNetwork) -> int:
    """Return the length of a network's embeddings."""
    return len(_head(network)[0])


def embedder(network: KeptNetwork) -> keras.Model:
    """Return the network from ``(N, H, W, 1)`` gray levels to ``(N, D)``, what its last layer takes; frozen."""
    whole = network.build()
    body = keras.Model(whole.input, whole.get_layer(_LAST).input, name="eyes")
    body.trainable = False
    return body


def answers(network: KeptNetwork, head: str, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits, ``(..., C)``, that a head of the network has for embeddings, ``(..., D)``."""
    kernel, bias = _head(network)
    columns = next(each.columns for each in network.heads if each.name == head)
    return np.asarray(embeddings @ kernel[:, columns] + bias[columns], np.float32)


def over_frames(network: keras.Model, eyes: KeptNetwork) -> keras.Model:
    """Return a network of embeddings with its eyes before it.

    Returns:
        A model from ``(N, T, H, W, 1)`` gray levels, a track's frames, to ``(N, T, C)`` logits; ``T`` is free.
    """
    side = eyes.recipe.network.size
    frames = keras.Input((None, side, side, 1), name="frames")
    seen = keras.layers.TimeDistributed(embedder(eyes), name="embeddings")(frames)
    return keras.Model(frames, network(seen), name="over_frames")


def _head(network: KeptNetwork) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return kernel and bias of the last layer."""
    *_, kernel, bias = network.weights
    return kernel, bias
