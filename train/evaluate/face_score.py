"""How well a model tells faces from what is none, on pictures that nobody learned from."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from train.datasets.negatives import beside_people, hits
from train.simulation.backgrounds import room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

UNSEEN_CLIPS = {"help.mkv": 60, "thanks.mkv": 60}
"""Footage to judge by, and the smallest face in it; there is a skull on the shirt of the first."""

LIMITS = (0.2, 0.5, 0.8, 0.9, 0.95)
"""Scores that the table has a row for."""

_ROOM_HITS = 600
_NOISE = 5.0


def nothing(clips: Path | None, seed: int = 9) -> dict[str, NDArray[np.uint8]]:
    """Give ``(N, 48, 48)`` pictures that are no faces, by where they are from.

    Args:
        clips: The folder of `UNSEEN_CLIPS`; what is missing there is left out.
        seed: Of the rooms.
    """
    random = np.random.default_rng(seed)
    found = {"made-up rooms": np.stack(list(islice(hits(_rooms(random), random), _ROOM_HITS)))}
    for name, smallest in UNSEEN_CLIPS.items():
        beside = list(beside_people(clips / name, smallest, random)) if clips else []
        if beside:
            found[name] = np.stack(beside)
    return found


def _rooms(random: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    while True:
        empty = room(random, 640, 480)
        yield np.asarray((empty + random.normal(0, _NOISE, empty.shape)).clip(0, 255), np.uint8)


def dropped(faces: NDArray[np.float32], limit: float) -> float:
    """Give the part of faces' scores that a limit takes for none."""
    return float((faces < limit).mean())


def kept(scores: Mapping[str, NDArray[np.float32]], limit: float) -> dict[str, float]:
    """Give the part of the others' scores that a limit takes for faces, by where they are from."""
    return {name: float((found >= limit).mean()) for name, found in scores.items()}
