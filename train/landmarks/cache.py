"""The file of landmarks: each picture's, by the picture's own hash, so that any subset of the data finds its own."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.files import read_regular, write_atomically
from edge.text import first_line
from train.datasets.faces import DataError
from train.landmarks import POINTS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class LandmarkCache:
    """Landmarks by picture."""

    rows: dict[bytes, int]
    """Row of each picture, by its hash."""

    points: NDArray[np.float16]
    """``(N, 478, 3)`` x, y and depth in widths of the picture; NaN where no face was found."""

    checksum: str
    """SHA-256 of the pictures that they are of."""

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the ``(M, 478, 3)`` landmarks of ``(M, 48, 48)`` pictures; NaN where no face was found.

        Raises:
            DataError: A picture is not among those that landmarks were looked for in.
        """
        try:
            rows = [self.rows[_hash(picture)] for picture in pixels]
        except KeyError:
            message = "landmarks: a picture is not among those of the file; 'make landmarks' finds those of FER2013"
            raise DataError(message) from None
        return self.points[rows].astype(np.float32)


def _hash(picture: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(picture.tobytes(), digest_size=16).digest()


def checksum(pictures: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of pictures in their order."""
    return hashlib.sha256(pictures.tobytes()).hexdigest()


def write(path: Path, pictures: NDArray[np.uint8], points: NDArray[np.float16]) -> None:
    """Write the landmarks ``(N, 478, 3)`` of ``(N, 48, 48)`` pictures, all different."""
    hashes = np.frombuffer(b"".join(map(_hash, pictures)), np.uint8).reshape(len(pictures), -1)
    content = io.BytesIO()
    pack: Any = np.savez  # numbers in half precision hardly compress
    pack(content, hashes=hashes, points=points, sha256=np.frombuffer(checksum(pictures).encode(), np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.getvalue())


@lru_cache(maxsize=1)
def read(path: Path) -> LandmarkCache:
    """Read a file that `write` wrote.

    Raises:
        DataError: It is missing, or is something else.
    """
    try:
        content = read_regular(path, _MOST_BYTES)
    except OSError as error:
        message = f"{path}: {error.strerror}; 'make landmarks' writes it"
        raise DataError(message) from None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            hashes, points, sha256 = stored["hashes"], stored["points"], stored["sha256"].tobytes().decode()
    except Exception as error:  # noqa: BLE001  # zipfile and numpy raise errors of many kinds
        message = f"{path}: not a file of landmarks: {first_line(error)}"
        raise DataError(message) from None
    rows = {row.tobytes(): number for number, row in enumerate(hashes)}
    if points.shape != (len(rows), POINTS, 3) or points.dtype != np.float16:
        message = f"{path}: not a file of landmarks: {points.dtype} of {points.shape} for {len(rows)} pictures"
        raise DataError(message)
    return LandmarkCache(rows, points, sha256)
