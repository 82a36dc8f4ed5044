"""FER2013: 35,887 gray faces of 48x48 pixels with one label each.

Goodfellow et al., "Challenges in Representation Learning: A report on three
machine learning contests", 2013.
"""

from __future__ import annotations

import csv
import io
import sys
import tarfile
import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO, TypeVar

import numpy as np

from edge.files import is_there
from edge.text import first_line
from train.datasets.faces import DataError, Faces

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 48
"""Width and height of every picture, in pixels."""

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The names of the file's label numbers 0 to 6."""

USAGES = ("Training", "PublicTest", "PrivateTest")
"""The file's names of training, validation and test."""

MOST_DAMAGED = 0.01
"""Share of the rows that may be damaged; where more are, it is another file."""

_EXPECTED = f"expected is fer2013.csv, with the columns emotion (0 to 6), pixels ({SIZE * SIZE} gray levels) and Usage"

T = TypeVar("T")

_MEMBER = "fer2013/fer2013.csv"


@dataclass(frozen=True)
class Rows:
    """The file as it is, row by row; FER+ votes refer to this order."""

    pixels: NDArray[np.uint8]
    """``(N, 48, 48)``"""

    emotion: NDArray[np.intp]
    """``(N,)`` index into `LABELS`."""

    usage: NDArray[np.str_]
    """``(N,)`` ``Training``, ``PublicTest`` or ``PrivateTest``."""

    numbers: NDArray[np.intp]
    """``(N,)`` each row's number in the file, from 0; a damaged row's is missing."""

    total: int
    """Rows of the file, with the damaged ones."""


@lru_cache(maxsize=1)
def read(path: Path) -> Rows:
    """Read ``fer2013.tar.gz`` or the ``fer2013.csv`` within it; damaged rows are left out and told on standard error.

    Raises:
        DataError: The file is missing, or more than `MOST_DAMAGED` of its rows are not a 48x48 picture.
    """
    if not is_there(path):
        message = f"{path}: FER2013 is not there; docs/training.md says where to get it"
        raise DataError(message)
    try:
        if path.suffix == ".csv":
            with path.open(newline="") as file:
                return _parse(file, path)
        with tarfile.open(path) as archive:
            member = archive.extractfile(_MEMBER)
            if member is None:
                message = f"{path}: {_MEMBER} is not a file in this archive"
                raise DataError(message)
            rows = _parse(io.TextIOWrapper(member, newline=""), path)
            _read_to_end(archive)
            return rows
    except (tarfile.TarError, zlib.error, EOFError, KeyError, OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: not FER2013's fer2013.tar.gz or fer2013.csv ({first_line(error).rstrip(':')}); {_EXPECTED}"
        raise DataError(message) from error


def _read_to_end(archive: tarfile.TarFile) -> None:
    """Read what follows the last file: gzip's checksum, which tells damage, comes at the very end."""
    while archive.fileobj and archive.fileobj.read(io.DEFAULT_BUFFER_SIZE):
        pass


def _parse(file: TextIO, path: Path) -> Rows:
    rows, damaged, total = [], [], 0
    for number, row in enumerate(csv.DictReader(file)):
        total += 1
        try:
            label, usage = _one_of(range(len(LABELS)), int(row["emotion"])), _one_of(USAGES, row["Usage"])
            rows.append((_picture(row["pixels"]), label, usage, number))
        except (KeyError, TypeError, ValueError, DeprecationWarning) as error:
            problem = first_line(error, 100)
            damaged.append(
                f"line {number + 2}: not a row of emotion,pixels,Usage with {SIZE}x{SIZE} pixels ({problem})"
            )
    if not total:
        message = f"{path}: no rows; {_EXPECTED}"
        raise DataError(message)
    if len(damaged) > MOST_DAMAGED * total:
        message = f"{path}, {damaged[0]}; {len(damaged):,} of {total:,} rows are damaged; {_EXPECTED}"
        raise DataError(message)
    if damaged:
        sys.stderr.write(f"{path}: {len(damaged):,} of {total:,} rows are damaged and left out; {damaged[0]}\n")
    pixels, emotion, usages, numbers = zip(*rows, strict=True)
    return Rows(np.stack(pixels), np.array(emotion), np.array(usages), np.array(numbers), total)


def _picture(text: str) -> NDArray[np.uint8]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # numpy's only sign of a word that is no number
        levels = np.fromstring(text, dtype=np.int64, sep=" ").reshape(SIZE, SIZE)
    if levels.min() < 0 or levels.max() > np.iinfo(np.uint8).max:
        message = "a gray level is not within 0..255"
        raise ValueError(message)
    return levels.astype(np.uint8)


def _one_of(allowed: Container[T], value: T) -> T:
    if value not in allowed:
        message = f"{value!r} is unknown"
        raise ValueError(message)
    return value


def faces(rows: Rows) -> Faces:
    """Return every row with its original label as a one-hot target."""
    return Faces(rows.pixels, np.eye(len(LABELS), dtype=np.float32)[rows.emotion], LABELS)
