"""Folders of labelled faces: ``train/angry/….png`` with splits, or ``anger/S010_004_00000017.png`` as CK+ has them.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010. Where the folders are no splits, people are
divided: nobody is in two splits. The labels are the eight of FER+, whatever the folder has of them.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.camera.images import decode
from edge.files import is_folder
from edge.vision.crops import resized
from train.datasets.faces import DataError, Faces
from train.datasets.fer2013 import SIZE, USAGES
from train.datasets.ferplus import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NAMES: Mapping[str, str] = {
    **{label: label for label in LABELS},
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
"""What folders of a label are called, in lower case."""

SPLITS: Mapping[str, str] = {
    "train": "Training",
    "training": "Training",
    "val": "PublicTest",
    "valid": "PublicTest",
    "validation": "PublicTest",
    "dev": "PublicTest",
    "publictest": "PublicTest",
    "test": "PrivateTest",
    "testing": "PrivateTest",
    "privatetest": "PrivateTest",
}
"""What folders of a split are called, in lower case; in the names of FER2013: training, validation and test.

``eval`` is missing: some call validation so, others the test.
"""

SHARES = (0.7, 0.2, 0.1)
"""Of the people in training, validation and test, where the folders are no splits."""

_VALIDATION = 0.1
"""Share of the training people that validate where there are folders for training and test alone."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".tif", ".tiff")

_PERSON = re.compile(r"(S\d+)_\d+_\d+$")
"""CK+'s names: person, sequence, frame."""

_USAGE = re.compile(rf"({'|'.join(USAGES)})_\d+$")
"""FER2013's names in its form of folders: the split is that of the name."""

_EXPECTED = (
    f"expected folders of pictures named after labels ({', '.join(LABELS)}), as in angry/1.png, "
    "or such folders within train, validation and test"
)


@dataclass(frozen=True, eq=False)
class FolderFaces:
    """All pictures of a folder."""

    faces: Faces
    usage: NDArray[np.str_]
    """``(N,)`` ``Training``, ``PublicTest`` or ``PrivateTest``."""

    people: tuple[str, ...]
    """``N`` names; a picture whose name tells nobody is somebody of its own."""

    damaged: tuple[str, ...] = ()
    """Files that are no pictures; they are left out."""


@lru_cache(maxsize=2)
def read(folder: Path) -> FolderFaces:
    """Read a folder; what is damaged is left out and told on standard error.

    Raises:
        DataError: It is missing, its folders are other ones, or a split is left without a face.
    """
    files = list(_files(folder))
    pictures = [read_picture(path) for path, _, _ in files]
    damaged = tuple(str(f[0].relative_to(folder)) for f, p in zip(files, pictures, strict=True) if p is None)
    if len(damaged) == len(files):
        message = f"{folder}: none of {len(files):,} files is a picture; {_EXPECTED}"
        raise DataError(message)
    tell_damaged(folder, damaged, len(files))
    whole = [(f, p) for f, p in zip(files, pictures, strict=True) if p is not None]
    people = tuple(_person(path, folder) for (path, _, _), _ in whole)
    usage = np.array(divided([split for (_, _, split), _ in whole], people, folder))
    targets = np.eye(len(LABELS), dtype=np.float32)[[LABELS.index(label) for (_, label, _), _ in whole]]
    return FolderFaces(Faces(np.stack([p for _, p in whole]), targets, LABELS), usage, people, damaged)


def tell_damaged(folder: Path, damaged: Sequence[str], files: int) -> None:
    """Say on standard error how many of a folder's files are left out, if any are."""
    if damaged:
        sys.stderr.write(
            f"{folder}: {len(damaged):,} of {files:,} files are damaged and left out; the first is {damaged[0]}\n"
        )


def load(folder: Path, split: str) -> Faces:
    """Return the faces of one split; arguments and errors as of `read`."""
    everything = read(folder)
    return everything.faces.select(everything.usage == split)


def _files(folder: Path) -> Iterable[tuple[Path, str, str]]:
    """Yield each file that may be a picture, its label, and its split, or nothing where there are none."""
    if not is_folder(folder):
        message = f"{folder}: no such folder of faces; {_EXPECTED}"
        raise DataError(message)
    found = 0
    for split, place in _splits(folder):
        for inside in folders_in(place):
            label = NAMES.get(inside.name.lower())
            if label is None:
                message = f"{inside}: not the name of a label; {_EXPECTED}"
                raise DataError(message)
            for path in sorted(inside.iterdir()):
                if path.suffix.lower() in SUFFIXES:
                    found += 1
                    named = _USAGE.match(path.stem)
                    yield path, label, named[1] if named else split
    if not found:
        message = f"{folder}: no picture is there; {_EXPECTED}"
        raise DataError(message)


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in one, sorted; without those that tools put there, which are hidden or macOS's."""
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".") and path.name != "__MACOSX"
    )


def _splits(folder: Path) -> list[tuple[str, Path]]:
    inside = folders_in(folder)
    named = [(SPLITS[path.name.lower()], path) for path in inside if path.name.lower() in SPLITS]
    if not named:
        return [("", folder)]
    for path in inside:
        if path.name.lower() not in SPLITS and _has_faces(path):
            message = (
                f"{path}: a folder of faces that is no split, beside {', '.join(split.name for _, split in named)}; "
                f"move it, or give it the name of a split: {', '.join(SPLITS)}"
            )
            raise DataError(message)
    return named


def _has_faces(folder: Path) -> bool:
    """Return whether a folder is named after a label or contains one that is; it may be unreadable."""
    return any(path.name.lower() in NAMES for path in (folder, *folder.glob("*/")))


def read_picture(path: Path) -> NDArray[np.uint8] | None:
    """Return the picture in gray, ``(SIZE, SIZE)``, or None if it is damaged."""
    try:
        gray = decode(path.read_bytes(), cv2.IMREAD_GRAYSCALE)
    except OSError:
        return None
    return None if gray is None else resized(np.asarray(gray, np.uint8), SIZE, SIZE)


def _person(path: Path, folder: Path) -> str:
    named = _PERSON.match(path.stem)
    return named[1] if named else str(path.relative_to(folder))


def divided(splits: Sequence[str], people: Sequence[str], folder: Path) -> list[str]:
    """Return the split of each picture: that of its folder, or of its person."""
    if any(splits) and not all(splits):
        message = (
            f"{folder}: {sum(map(bool, splits)):,} pictures have a split, by a name as of Training_12.png, and "
            f"{splits.count(''):,} have none; rename the ones or the others"
        )
        raise DataError(message)
    if not any(splits):
        found = _by_person(people, SHARES, USAGES)
    else:
        found = [*splits]
        if "PublicTest" not in found:
            rest = [number for number, split in enumerate(found) if split == "Training"]
            parts = _by_person([people[n] for n in rest], (1 - _VALIDATION, _VALIDATION), USAGES[:2])
            for number, split in zip(rest, parts, strict=True):
                found[number] = split
    for usage, share in zip(USAGES, SHARES, strict=True):
        if usage not in found:
            message = (
                f"{folder}: no face is left for {usage}; {_EXPECTED}. Without folders for splits, {share:.0%} of the "
                f"people are for it, and there are {len(set(people))}"
            )
            raise DataError(message)
    return found


def _by_person(people: Sequence[str], shares: Sequence[float], splits: Sequence[str]) -> list[str]:
    """Return a split for each picture, so that nobody is in two and each has its share of the pictures, nearly.

    The order of people is that of their names' SHA-256: it is random, and the same on every machine. A name can be a
    file's, which need not be UTF-8.
    """
    order = sorted(set(people), key=lambda name: hashlib.sha256(os.fsencode(name)).digest())
    counts = Counter(people)
    ends = np.cumsum(shares) * len(people)
    split_of, before = {}, 0
    for name in order:
        middle = before + counts[name] / 2
        split_of[name] = splits[min(int(np.searchsorted(ends, middle, side="right")), len(splits) - 1)]
        before += counts[name]
    return [split_of[name] for name in people]
