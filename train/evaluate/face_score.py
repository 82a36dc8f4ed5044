"""How well the face score separates faces from other pictures, on pictures not used in training."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from train.datasets.footage import TEST, beside_people
from train.datasets.negatives import detections_in
from train.simulation.backgrounds import room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LIMITS = (0.2, 0.5, 0.8, 0.9, 0.95)
"""Minimum scores that the table has a row for."""

_ROOM_DETECTIONS = 600
_NOISE = 5.0
"""Standard deviation of the rooms' sensor noise, in gray levels."""


def negatives(clips: Path | None, seed: int = 9) -> dict[str, NDArray[np.uint8]]:
    """Return ``(N, 48, 48)`` pictures that are no faces, by their source.

    Args:
        clips: The folder of the clips `TEST`; those that are missing are left out.
        seed: Of the rooms.
    """
    random = np.random.default_rng(seed)
    found = {"synthetic rooms": np.stack(list(islice(detections_in(_rooms(random), random), _ROOM_DETECTIONS)))}
    for footage in TEST:
        beside = list(beside_people(footage, clips, random)) if clips else []
        if beside:
            found[footage.name] = np.stack(beside)
    return found


def _rooms(random: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    while True:
        empty = room(random, 640, 480)
        yield np.asarray((empty + random.normal(0, _NOISE, empty.shape)).clip(0, 255), np.uint8)


def dropped(faces: NDArray[np.float32], limit: float) -> float:
    """Return the share of faces whose score is below a limit."""
    return float((faces < limit).mean())


def kept(scores: Mapping[str, NDArray[np.float32]], limit: float) -> dict[str, float]:
    """Return the share of negatives whose score reaches a limit, by their source."""
    return {name: float((found >= limit).mean()) for name, found in scores.items()}
