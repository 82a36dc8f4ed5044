"""Training targets: pictures, and the probabilities that each head of the network should output for them.

One trunk learns from every label that a picture has. A head is a range of columns of the
network's last layer. A row of targets is zero in the columns of a head for which the
picture has no label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.files import is_folder
from edge.inference.labels import FACE
from train.datasets import are_faces, fer2013, ferplus, folders, load
from train.datasets.faces import DataError
from train.datasets.footage import present
from train.datasets.misplaced import misplaced
from train.datasets.negatives import clutter, fingerprint
from train.examples import Examples
from train.heads import heads_of
from train.recipes import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from train.datasets import Split
    from train.progress import Stage
    from train.recipes import DataConfig


class Negatives(Protocol):
    """Returns so many negatives, as `clutter` does."""

    def __call__(self, count: int, clips: Path | None, *, advance: Callable[[int], None]) -> NDArray[np.uint8]:
        """Return ``(count, 48, 48)``."""


def _silent(_name: str, _total: int) -> Callable[[int], None]:
    return lambda _count: None


def training_examples(  # files, and where negatives come from
    data: DataConfig,
    fer2013_file: Path,
    ferplus_file: Path,
    clips: Path | None,
    stage: Stage = _silent,
    negatives_of: Negatives = clutter,
) -> Examples:
    """Return all training pictures of a recipe.

    Args:
        data: The recipe's choice.
        fer2013_file: ``fer2013.tar.gz`` or ``fer2013.csv``.
        ferplus_file: ``fer2013new.csv``; not read if the recipe needs no votes.
        clips: The folder of real footage whose parts without faces are negatives; None: no footage.
        stage: Shows progress.
        negatives_of: Returns negatives, as `clutter` does.

    Raises:
        DataError: A file is missing or is not what its name says.
    """
    if data.folder:
        return _folder_examples(data, "Training")
    everything = fer2013.read(fer2013_file)
    chosen = everything.usage == "Training"
    faces = fer2013.faces(everything).select(chosen)
    targets, face = {"fer2013": faces.targets}, np.ones(len(faces), bool)
    if data.uses_votes:
        votes = ferplus.read_votes_for(everything, ferplus_file)[chosen]
        face = ~ferplus.no_face(votes)
        targets = {"ferplus": ferplus.distributions(votes), "fer2013": targets["fer2013"] * face[:, None]}
    heads = heads_of(data)
    sources = {}
    pixels = faces.pixels
    table = np.concatenate([face[:, None] if h.name == FACE else targets[h.name] for h in heads], axis=1)
    table = table.astype(np.float32)
    if data.clutter:
        if clips and not is_folder(clips):
            message = f"{clips}: no such folder of clips"
            raise DataError(message)
        sources["clips"] = ", ".join(present(clips)) or "none"
        negatives = negatives_of(data.clutter, clips, advance=stage("detecting negatives", data.clutter))
        sources["negatives"] = fingerprint(negatives)
        if data.misplaced:
            negatives = np.concatenate([negatives, misplaced(faces.pixels[face], data.misplaced)])
        pixels = np.concatenate([pixels, negatives])
        table = np.concatenate([table, np.zeros((len(negatives), table.shape[1]), np.float32)])
    # Without the face score, only what has a label is learned from, or a face that teachers answer for.
    used = np.ones(len(table), bool) if data.clutter else table.any(axis=1) | (face & bool(data.teachers))
    return Examples(pixels[used], table[used], heads, sources)


def validation_examples(data: DataConfig, fer2013_file: Path, ferplus_file: Path) -> Examples:
    """Return PublicTest's faces with labels for the first head and the face score; arguments as `training_examples`."""
    if data.folder:
        return _folder_examples(data, "PublicTest")
    heads = heads_of(data)
    faces = load(heads[0].protocol, "PublicTest", fer2013_file, ferplus_file)
    targets = np.zeros((len(faces), heads[-1].columns.stop), np.float32)
    targets[:, heads[0].columns] = faces.targets
    for head in heads:
        if head.name == FACE:
            targets[:, head.columns] = are_faces(heads[0].protocol, "PublicTest", fer2013_file, ferplus_file)[:, None]
    return Examples(faces.pixels, targets, heads)


def _folder_examples(data: DataConfig, split: Split) -> Examples:
    """Return the faces of a folder's split, as a recipe names it."""
    folder = REPOSITORY / (data.folder or "")
    faces = folders.load(folder, split)
    sources = {"folder": folder.name, "damaged files": str(len(folders.read(folder).damaged))}
    return Examples(faces.pixels, faces.targets, heads_of(data), sources)
