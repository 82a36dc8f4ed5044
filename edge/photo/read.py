"""Read photos one after the other, and write what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.camera.images import images_in, read_colours
from edge.files import write_atomically
from edge.photo.annotate import annotate
from edge.photo.faces import read_faces
from edge.photo.report import ReadPhoto

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from edge.inference.classifier import Classifier

_LOSSY = frozenset({".jpeg", ".jpg", ".webp"})


def photo_files(paths: Iterable[Path]) -> list[Path]:
    """Return the photos that paths name: files as they are, of folders the images in them.

    Raises:
        CameraError: A folder cannot be read, or holds no image.
    """
    return [file for path in paths for file in (images_in(path) if path.is_dir() else [path])]


def read_photo(
    path: Path, classifier: Classifier, min_confidence: float | None = None, copy: Path | None = None
) -> ReadPhoto:
    """Return a photo's faces.

    Args:
        path: The photo.
        classifier: Reads the faces.
        min_confidence: Probability below which the emotion is ``uncertain``; None: what the card says.
        copy: Where to write a copy in which they are drawn; None: nowhere.

    Raises:
        CameraError: The photo cannot be read.
        OutputError: The copy cannot be written.
    """
    colours = read_colours(path)
    gray = np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY), np.uint8)
    faces = tuple(read_faces(gray, classifier, min_confidence))
    if copy:
        _, encoded = cv2.imencode(copy.suffix, annotate(colours, faces))
        write_atomically(copy, encoded.tobytes())
    return ReadPhoto(path, colours.shape[1], colours.shape[0], faces)


def copy_names(photos: Sequence[Path], folder: Path, ending: str = "faces", *, png: bool = False) -> list[Path]:
    """Return the path of each photo's annotated copy: no two are the same, and none is a photo's own.

    Args:
        photos: The photos.
        folder: Where the copies go.
        ending: What a copy's name has behind the photo's.
        png: Every copy is a PNG; else a photo in a lossy form has a JPEG.
    """
    names: list[Path] = []
    for photo in photos:
        suffix = ".jpg" if photo.suffix.lower() in _LOSSY and not png else ".png"
        stem, number = f"{photo.stem}-{ending}", 2
        name = folder / f"{stem}{suffix}"
        while name in names or any(_is_same_file(name, other) for other in photos):
            name, number = folder / f"{stem}-{number}{suffix}", number + 1
        names.append(name)
    return names


def _is_same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
