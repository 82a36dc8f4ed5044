"""Networks as files: the weights of all heads with their recipe, in one ``.npz``.

Unlike a ``.keras`` file, which holds one head's model, it can teach every head and be trained further. It holds numbers
and JSON alone, so loading one runs no code of it.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np

from edge.files import read_regular, write_atomically
from train import networks
from train.heads import Head, heads_of
from train.recipes import REPOSITORY, Recipe, RecipeError, first_problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

_MOST_BYTES = 256 * 1024 * 1024
_META = "meta"


@dataclass(frozen=True, eq=False)
class KeptNetwork:
    """A trained network."""

    recipe: Recipe
    weights: tuple[NDArray[np.float32], ...]
    """As Keras' ``get_weights`` orders them."""

    sha256: str
    """Of the file."""

    def __str__(self) -> str:
        """Return its name and its hash, as reports have them."""
        return f"{self.recipe.name} {self.sha256}"

    @property
    def heads(self) -> tuple[Head, ...]:
        """Its heads."""
        return heads_of(self.recipe.data)

    def build(self) -> keras.Model:
        """Return the network with its weights, in Keras' current precision.

        Raises:
            RecipeError: The weights do not fit the recipe's network.
        """
        network = networks.build(self.recipe.network, self.heads[-1].columns.stop)
        try:
            network.set_weights(self.weights)
        except ValueError as error:
            message = f"{self.recipe.name}: the weights do not fit the network of its recipe: {error}"
            raise RecipeError(message) from error
        return network


def takes_pictures(recipe: Recipe) -> bool:
    """Return whether a recipe's network takes single pictures, not landmarks, tracks or features of another network."""
    return not (recipe.network.landmarks or recipe.data.tracks) and recipe.network.gradients


def load_start(recipe: Recipe, root: Path | None = None) -> KeptNetwork | None:
    """Return the network that a recipe starts from, if it names one.

    Args:
        recipe: The recipe.
        root: What its path is relative to; None: the repository.

    Raises:
        RecipeError: As of `load`, or the network has another shape or other labels than the recipe's.
    """
    if not recipe.start:
        return None
    before = load((root or REPOSITORY) / recipe.start)
    names, wanted = ([head.name for head in heads] for heads in (before.heads, heads_of(recipe.data)))
    if before.recipe.network != recipe.network or names != wanted:
        message = f"start: {recipe.start}: its network or its labels differ from the recipe's"
        raise RecipeError(message)
    return before


def save(path: Path, recipe: Recipe, weights: Sequence[NDArray[np.float32]]) -> str:
    """Write a network; equal values give equal bytes. Arguments as of `pack`.

    Returns:
        The file's SHA-256.
    """
    content = pack(recipe, weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def pack(recipe: Recipe, weights: Sequence[NDArray[np.float32]], *, half: bool = False) -> bytes:
    """Return the content of a network's file.

    Args:
        recipe: The recipe that it was trained by.
        weights: As Keras' ``get_weights`` orders them.
        half: Store them in half precision, unless one is too large for it.
    """
    arrays: dict[str, NDArray[Any]] = {f"{i:04}": _halved(w) if half else w for i, w in enumerate(weights)}
    arrays[_META] = np.frombuffer(
        json.dumps({"schema": 1, "recipe": recipe.model_dump(mode="json")}).encode(), np.uint8
    )
    buffer = io.BytesIO()
    write: Any = np.savez_compressed  # the types of numpy 2 take any name of an array for the option allow_pickle
    write(buffer, **arrays)
    return buffer.getvalue()


def _halved(weights: NDArray[np.float32]) -> NDArray[Any]:
    fits = np.abs(weights).max(initial=0) <= np.finfo(np.float16).max
    return weights.astype(np.float16) if fits else weights


def load(path: Path) -> KeptNetwork:
    """Return the network in a file.

    Raises:
        RecipeError: The file is missing, or is not a network.
    """
    try:
        content = read_regular(path, _MOST_BYTES)
    except OSError as error:
        message = f"{path}: {error.strerror}; 'python -m train fit' writes it into its run's folder"
        raise RecipeError(message) from error
    try:
        return unpack(content)
    except Exception as error:  # zipfile and numpy raise errors of many kinds, zlib's, lzma's and tokenize's among them
        message = f"{path}: not a network that 'python -m train' wrote: {first_problem(error)}"
        raise RecipeError(message) from error


def unpack(content: bytes) -> KeptNetwork:
    """Return the network in the content of a file.

    Raises:
        Exception: Of many kinds: `pack` did not return it.
    """
    recipe, weights = _parse(content)
    return KeptNetwork(recipe, weights, hashlib.sha256(content).hexdigest())


def _parse(content: bytes) -> tuple[Recipe, tuple[NDArray[np.float32], ...]]:
    with ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
            message = f"unpacked it is larger than {_MOST_BYTES:,} bytes"
            raise ValueError(message)
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        meta = json.loads(stored[_META].tobytes())
        names = sorted(name for name in stored.files if name != _META)
        return Recipe.model_validate(meta["recipe"]), tuple(np.asarray(stored[name], np.float32) for name in names)
