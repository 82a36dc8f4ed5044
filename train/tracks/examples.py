"""A recipe's tracks as a training takes them, and as they are tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from train.datasets import DataError, load, sequences
from train.embedding import load_backbone
from train.examples import Examples
from train.heads import heads_of
from train.recipes import REPOSITORY
from train.tracks.compare import compare
from train.tracks.readings import read_tracks
from train.tracks.sequences import SequenceTracks
from train.tracks.stills import Stills

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import keras

    from train.datasets import Faces, LabelProtocol, Split
    from train.progress import Stage
    from train.recipes import Recipe
    from train.tracks.figures import TracksReport

PROTOCOL: LabelProtocol = "ferplus-majority"
"""Tracks are of faces that more than half of the votes agree on: a frame has one label."""


def track_examples(  # the recipe, the files, and where readings are kept
    recipe: Recipe, split: Split, fer2013_file: Path, ferplus_file: Path, cache: Path | None, stage: Stage
) -> Examples:
    """Return the tracks of a split: embeddings ``(N, T, D)`` and, of each frame, the label.

    Raises:
        DataError: A file is missing or damaged.
        RecipeError: The network that sees the frames is missing, or another one.
    """
    backbone, config = load_backbone(recipe), recipe.data.tracks
    if backbone is None or config is None:
        message = f"{recipe.name}: its data are no tracks"
        raise DataError(message)
    count = config.training if split == "Training" else config.validation
    sources, shown = {"backbone": str(backbone)}, _sequences(recipe, split)
    if recipe.data.folder and shown:
        sources |= {"folder": recipe.data.folder.name, "damaged files": str(len(shown.sequences.damaged))}
    of = shown or Stills(load(PROTOCOL, split, fer2013_file, ferplus_file), split)
    readings = read_tracks(backbone, of, config, count, cache, stage(f"reading tracks of {split}", count))
    targets = np.eye(len(of.labels), dtype=np.float32)[readings.truth]
    return Examples(readings.by_frame(config.fps), targets, heads_of(recipe.data), sources)


def _sequences(recipe: Recipe, split: Split) -> SequenceTracks | None:
    """Return tracks of the recorded sequences that a recipe names; None: its tracks are made of stills."""
    folder = recipe.data.folder
    return SequenceTracks(sequences.load(REPOSITORY / folder, split), split) if folder else None


def evaluate_tracks(
    recipe: Recipe,
    network: keras.Model,
    tests: Mapping[tuple[Split, LabelProtocol], Faces],
    cache: Path | None,
    stage: Stage,
) -> TracksReport | None:
    """Return how right a network over frames is on a track of each test face or sequence; None: it is none."""
    backbone, config = load_backbone(recipe), recipe.data.tracks
    if backbone is None or config is None:
        return None
    of = _sequences(recipe, "PrivateTest") or Stills(tests["PrivateTest", PROTOCOL], "PrivateTest")
    readings = read_tracks(backbone, of, config, len(of), cache, stage("reading tracks of PrivateTest", len(of)))
    return compare(readings, backbone, network, config, of.labels)
