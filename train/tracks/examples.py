"""A recipe's tracks as a training takes them, and as they are tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from train.datasets import DataError, load
from train.embedding import load_eyes
from train.examples import Examples
from train.heads import heads_of
from train.tracks.compare import compare
from train.tracks.readings import read_tracks

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
    eyes, config = load_eyes(recipe), recipe.data.tracks
    if eyes is None or config is None:
        message = f"{recipe.name}: its data are no tracks"
        raise DataError(message)
    count = config.training if split == "Training" else config.validation
    faces = load(PROTOCOL, split, fer2013_file, ferplus_file)
    readings = read_tracks(eyes, faces, config, count, cache, stage(f"reading tracks of {split}", count))
    targets = np.eye(len(faces.labels), dtype=np.float32)[readings.truth]
    return Examples(readings.by_frame(config.fps), targets, heads_of(recipe.data), {"eyes": str(eyes)})


def judge_tracks(
    recipe: Recipe,
    network: keras.Model,
    tests: Mapping[tuple[Split, LabelProtocol], Faces],
    cache: Path | None,
    stage: Stage,
) -> TracksReport | None:
    """Return how right a network over frames is on one track of each test face, beside other ways; None: it is none."""
    eyes, config = load_eyes(recipe), recipe.data.tracks
    if eyes is None or config is None:
        return None
    faces = tests["PrivateTest", PROTOCOL]
    readings = read_tracks(eyes, faces, config, len(faces), cache, stage("reading tracks of PrivateTest", len(faces)))
    return compare(readings, eyes, network, config, faces.labels)
