"""What a frozen network sees in each frame of many tracks: its embeddings, computed once and kept in a file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edge.files import write_atomically
from edge.vision.views import VIEWS, view_stills
from train.embedding import embedder
from train.tracks.smoothing import reading_plan
from train.tracks.stills import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from train.kept import KeptNetwork
    from train.recipes.tracks import TracksConfig
    from train.tracks.stills import SyntheticTrack

_FORM = 2
"""Of the tracks and the file; a change of either increases it."""

_AT_ONCE = 64
"""Tracks whose frames are in memory together."""


class TrackSource(Protocol):
    """What tracks are made of: stills, or recorded sequences."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions."""

    def __len__(self) -> int:
        """Return how many faces or sequences there are."""

    def content(self) -> bytes:
        """Return what the tracks are made of."""

    def track(self, row: int, config: TracksConfig, number: int) -> SyntheticTrack:
        """Return a track of one of them; the same arguments give the same pixels."""


@dataclass(frozen=True, eq=False)
class Readings:
    """``S`` tracks of ``T`` frames as a network reads them."""

    embeddings: NDArray[np.float32]
    """``(S, R, D)``: one for each view of each frame, in the order of the plan."""

    truth: NDArray[np.intp]
    """``(S, T)`` index of the label."""

    kinds: NDArray[np.intp]
    """``(S,)`` index into `KINDS`."""

    def by_frame(self, fps: float) -> NDArray[np.float32]:
        """Return ``(S, T, D)``: the mean of each frame's readings, which differ in number in the first frame alone."""
        counts = [len(views) for views in reading_plan(self.truth.shape[1], fps)]
        starts = np.cumsum([0, *counts[:-1]])
        sums = np.add.reduceat(self.embeddings, starts, axis=1)
        return np.asarray(sums / np.array(counts, np.float32)[:, None], np.float32)


def read_tracks(  # what they are made of, and where they are kept
    network: KeptNetwork,
    shown: TrackSource,
    config: TracksConfig,
    count: int,
    cache: Path | None,
    advance: Callable[[int], None],
) -> Readings:
    """Return the readings of tracks of the first faces in a random order; more tracks than faces begin anew.

    Args:
        network: Sees each frame.
        shown: What the tracks are of.
        config: The recipe's.
        count: Tracks.
        cache: A folder for the result; None: it is not kept.
        advance: Is called with the number of tracks that are done.
    """
    file = cache / f"{_key(network, shown, config, count)}.npz" if cache else None
    if file and (stored := _stored(file)):
        advance(count)
        return stored
    found = _read(network, shown, config, count, advance)
    if file:
        buffer = io.BytesIO()
        pack: Any = np.savez
        pack(buffer, embeddings=found.embeddings, truth=found.truth, kinds=found.kinds)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, buffer.getvalue())
    return found


def _stored(file: Path) -> Readings | None:
    """Return the readings in a file; None: it is missing or damaged."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            return Readings(stored["embeddings"], stored["truth"], stored["kinds"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _read(
    network: KeptNetwork, shown: TrackSource, config: TracksConfig, count: int, advance: Callable[[int], None]
) -> Readings:
    rows = np.random.default_rng(config.seed).permutation(len(shown))
    sees, plan = embedder(network), reading_plan(config.frames, config.fps)
    side = network.recipe.network.size
    embeddings, truth, kinds = [], [], []
    for start in range(0, count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, count))
        tracks = [shown.track(int(rows[n % len(rows)]), config, n) for n in numbers]
        every = np.stack([track.frames for track in tracks])
        seen = np.stack(
            [view_stills(every[:, t], view, side, side) for t, views in enumerate(plan) for view in views], axis=1
        )
        answers = sees.predict(seen.reshape(-1, side, side, 1), batch_size=256, verbose=0)
        embeddings.append(np.asarray(answers, np.float32).reshape(*seen.shape[:2], -1))
        truth += [track.truth for track in tracks]
        kinds += [KINDS.index(track.kind) for track in tracks]
        advance(len(tracks))
    return Readings(np.concatenate(embeddings), np.stack(truth), np.array(kinds))


def _key(network: KeptNetwork, shown: TrackSource, config: TracksConfig, count: int) -> str:
    """Return what the readings are of."""
    digest = hashlib.sha256(f"{_FORM} {network.sha256} {config.model_dump_json()} {count} {VIEWS}".encode())
    digest.update(shown.content())
    return digest.hexdigest()[:24]
