"""Make tracks of recorded sequences: the neutral face stands, the expression builds up at its own pace, and stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from train.datasets.sequences import NEUTRAL
from train.tracks.stills import Kind, SyntheticTrack, film, random_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.datasets import Split
    from train.datasets.sequences import Sequences
    from train.recipes.tracks import TracksConfig


@dataclass(frozen=True, eq=False)
class SequenceTracks:
    """Tracks of the sequences of one split."""

    sequences: Sequences
    split: Split
    """Of the sequences; tracks of another one are drawn by other random numbers."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions."""
        return self.sequences.labels

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.sequences)

    def content(self) -> bytes:
        """Return what the tracks are made of."""
        return (
            self.split.encode()
            + b"".join(frames.tobytes() for frames in self.sequences.frames)
            + self.sequences.truth.tobytes()
        )

    def track(self, row: int, config: TracksConfig, number: int) -> SyntheticTrack:
        """Return a track of one sequence, whose label changes at its middle; the same arguments give the same pixels.

        Args:
            row: The sequence.
            config: The recipe's.
            number: Of the track, which decides with the seed and the split all that is random.
        """
        random = random_numbers(config, self.split, number)
        frames, label = self.sequences.frames[row], int(self.sequences.truth[row])
        place = _pace(random, len(frames) - 1, config)
        neutral = self.labels.index(NEUTRAL)
        truth = np.where(place >= (len(frames) - 1) / 2, label, neutral)
        kind: Kind = "one expression" if label == neutral else "build-up"
        seen = frames[np.rint(place).astype(int)].astype(np.float32)
        return SyntheticTrack(film(random, seen, self.sequences.peaks.pixels, config), truth, kind)


def _pace(random: np.random.Generator, last: int, config: TracksConfig) -> NDArray[np.float64]:
    """Return ``(T,)`` places in a sequence, from 0 to its last frame, whose middle is anywhere but near the ends."""
    middle = random.uniform(0.25, 0.75) * config.frames
    step = config.folder_fps / config.fps
    return np.clip(last / 2 + (np.arange(config.frames) - middle) * step, 0, last)
