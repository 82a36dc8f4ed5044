"""Sequences of one face from neutral to an expression, in folders of CK+'s form.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010. A file's name says person, session and
frame, as in ``anger/S010_004_00000017.png``; whether sessions have folders of their own within that of the label does
not matter. The first frame is neutral, the last one the peak. Nobody is in two splits. Pictures are cropped faces.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.files import is_folder
from train.datasets.faces import DataError, Faces
from train.datasets.ferplus import LABELS
from train.datasets.folders import NAMES, SUFFIXES, divided, folders_in, read_picture, tell_damaged

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NEUTRAL = "neutral"

_FRAME = re.compile(r"(?P<person>S\d+)_(?P<session>\d+)_(?P<frame>\d+)$")

_EXPECTED = (
    f"expected folders named after labels ({', '.join(LABELS)}) with the frames of sequences, as in "
    "angry/S010_004_00000001.png to angry/S010_004_00000017.png"
)


@dataclass(frozen=True, eq=False)
class Sequences:
    """Faces from neutral to an expression."""

    frames: tuple[NDArray[np.uint8], ...]
    """Of each sequence ``(F, 48, 48)``, two at least."""

    truth: NDArray[np.intp]
    """``(N,)`` index of the label of each one's last frame."""

    people: tuple[str, ...]
    usage: NDArray[np.str_]
    """``(N,)`` ``Training``, ``PublicTest`` or ``PrivateTest``."""

    damaged: tuple[str, ...] = ()
    """Files that are no pictures; they are left out."""

    labels: tuple[str, ...] = LABELS

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.frames)

    @cached_property
    def peaks(self) -> Faces:
        """The last frame of each."""
        return Faces(
            np.stack([frames[-1] for frames in self.frames]),
            np.eye(len(self.labels), dtype=np.float32)[self.truth],
            self.labels,
        )

    def select(self, split: str) -> Sequences:
        """Return those of one split."""
        rows = np.flatnonzero(self.usage == split)
        frames, people = (tuple(values[row] for row in rows) for values in (self.frames, self.people))
        return Sequences(frames, self.truth[rows], people, self.usage[rows], self.damaged, self.labels)


@lru_cache(maxsize=2)
def read(folder: Path) -> Sequences:
    """Read a folder; what is damaged is left out and told on standard error.

    Raises:
        DataError: It is missing or has another form, a sequence has one frame, or a split is left without any.
    """
    files = _files(folder)
    pictures = {path: read_picture(path) for paths in files.values() for path in paths}
    damaged = tuple(str(path.relative_to(folder)) for path, picture in pictures.items() if picture is None)
    tell_damaged(folder, damaged, len(pictures))
    frames = []
    for (label, person, session), paths in files.items():
        whole = [picture for path in paths if (picture := pictures[path]) is not None]
        if len(whole) < 2:
            message = f"{folder}: {label}/{person}_{session} has {len(whole)} frame: a sequence has two at least"
            raise DataError(message)
        frames.append(np.stack(whole))
    people = tuple(person for _, person, _ in files)
    usage = np.array(divided([""] * len(people), people, folder))
    truth = np.array([LABELS.index(NAMES[label.lower()]) for label, _, _ in files])
    return Sequences(tuple(frames), truth, people, usage, damaged)


def load(folder: Path, split: str) -> Sequences:
    """Return the sequences of one split; arguments and errors as of `read`."""
    return read(folder).select(split)


def _files(folder: Path) -> dict[tuple[str, str, str], list[Path]]:
    """Return the files of each sequence in the order of its frames, by folder, person and session."""
    if not is_folder(folder):
        message = f"{folder}: no such folder of sequences; {_EXPECTED}"
        raise DataError(message)
    found: dict[tuple[str, str, str], list[tuple[int, Path]]] = defaultdict(list)
    for inside in folders_in(folder):
        if inside.name.lower() not in NAMES:
            message = f"{inside}: not the name of a label; {_EXPECTED}"
            raise DataError(message)
        for path in sorted(inside.rglob("*")):
            if path.suffix.lower() not in SUFFIXES:
                continue
            named = _FRAME.match(path.stem)
            if named is None:
                message = f"{path}: not the name of a sequence's frame; {_EXPECTED}"
                raise DataError(message)
            found[inside.name, named["person"], named["session"]].append((int(named["frame"]), path))
    if not found:
        message = f"{folder}: no picture is there; {_EXPECTED}"
        raise DataError(message)
    return {key: [path for _, path in sorted(frames)] for key, frames in found.items()}
