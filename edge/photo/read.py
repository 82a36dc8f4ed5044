"""Read photos one after the other, and write what was found."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.camera.images import images_in, read_colours
from edge.errors import CameraError
from edge.files import is_folder, write_atomically
from edge.photo.annotate import annotate
from edge.photo.faces import read_faces
from edge.photo.report import ReadPhoto

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.inference.classifier import Classifier

_MOST_BYTES = 255
"""Of a file's name (NAME_MAX of Linux's file systems)."""

_LOSSY = frozenset({".jpeg", ".jpg", ".webp"})


def photo_files(paths: Iterable[Path]) -> list[Path]:
    """Return the photos that paths name: files as they are, of folders the images in them.

    Raises:
        CameraError: A folder cannot be read, or holds no image.
    """
    return [file for path in paths for file in (images_in(path) if is_folder(path) else [path])]


def read_photo(
    path: Path, classifier: Classifier, min_confidence: float | None = None
) -> tuple[ReadPhoto, NDArray[np.uint8]]:
    """Return a photo's faces, and its pixels, ``(H, W, 3) uint8`` in OpenCV's order of colours.

    Args:
        path: The photo.
        classifier: Reads the faces.
        min_confidence: Probability below which the emotion is ``uncertain``; None: what the card says.

    Raises:
        CameraError: The photo cannot be read, or is too large for the memory.
    """
    with _memory_for(path):
        colours = read_colours(path)
        gray = np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY), np.uint8)
        faces = tuple(read_faces(gray, classifier, min_confidence))
    return ReadPhoto(path, colours.shape[1], colours.shape[0], faces), colours


def write_copy(photo: ReadPhoto, colours: NDArray[np.uint8], copy: Path) -> None:
    """Write a copy of a photo in which its faces are drawn.

    Raises:
        CameraError: The photo is too large for the memory, or for the form of its copy.
        OutputError: The copy cannot be written.
    """
    with _memory_for(photo.path):
        content = _encoded(photo.path, copy.suffix, annotate(colours, photo.faces))
    write_atomically(copy, content)


@contextmanager
def _memory_for(photo: Path) -> Iterator[None]:
    try:
        yield
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        message = f"{photo}: this machine has too little memory for this photo; shrink it"
        raise CameraError(message) from None


def _encoded(photo: Path, suffix: str, copy: NDArray[np.uint8]) -> bytes:
    made, content = cv2.imencode(suffix, copy)
    if not made:
        size = f"{copy.shape[1]}x{copy.shape[0]}"
        message = f"{photo}: its copy of {size} pixels is too large for a {suffix} file, and is left out"
        raise CameraError(message)
    return content.tobytes()


def copy_names(photos: Sequence[Path], folder: Path, ending: str = "faces", *, png: bool = False) -> list[Path]:
    """Return the path of each photo's annotated copy: no two are the same, and none is a photo's own.

    Args:
        photos: The photos.
        folder: Where the copies go.
        ending: What a copy's name has behind the photo's.
        png: Every copy is a PNG; else a photo in a lossy form has a JPEG.
    """
    originals = {_file(photo) for photo in photos} - {None}
    names: dict[Path, None] = {}  # in their order
    for photo in photos:
        suffix = ".jpg" if photo.suffix.lower() in _LOSSY and not png else ".png"
        number = 2
        name = folder / _fitting(photo.stem, f"-{ending}{suffix}")
        while name in names or _file(name) in originals:
            name, number = folder / _fitting(photo.stem, f"-{ending}-{number}{suffix}"), number + 1
        names[name] = None
    return list(names)


def _fitting(stem: str, ending: str) -> str:
    """Return a name that the file system takes; the stem is shortened for that."""
    while len(os.fsencode(stem + ending)) > _MOST_BYTES:
        stem = stem[:-1]
    return stem + ending


def _file(path: Path) -> tuple[int, int] | None:
    """Return what is the same for all names of a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
