"""Folders of images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.camera.opencv import silence
from edge.camera.timestamps import ClipStamps, utc_now
from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.frame import Frame

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png"})
"""Files that count as images; others in the folder are passed over."""


class ImageFolder:
    """The images of a folder, one after the other: ``frame2.png`` comes before ``frame10.png``.

    Attributes:
        name: The folder's name.
        rate: Frames per second.
        frames: How many images there are.
    """

    live = False
    synthetic = False

    def __init__(self, path: Path, fps: float, *, now: Callable[[], datetime] = utc_now) -> None:
        """List the images and read the first.

        Args:
            path: The folder.
            fps: Frames per second.
            now: The wall clock, for when the first frame is.

        Raises:
            CameraError: The folder cannot be read or holds no image, or the first cannot be decoded.
        """
        silence()
        try:
            files = sorted((file for file in path.iterdir() if file.suffix.lower() in SUFFIXES), key=natural)
        except OSError as error:
            message = f"{path}: {error.strerror}; write the path of a folder that can be read"
            raise CameraError(message) from None
        if not files:
            message = f"{path}: no image in this folder; it takes {', '.join(sorted(SUFFIXES))}"
            raise CameraError(message)
        self.name = path.name or str(path)
        self.rate = fps
        self.frames = len(files)
        self._files = files
        self._stamps = ClipStamps(fps, now=now)
        self._first = _decode(files[0])

    def read(self) -> Frame | None:
        """Return the next image; None after the last.

        Raises:
            CameraError: It cannot be decoded, or its size is not that of the first.
        """
        if self._stamps.count >= len(self._files):
            return None
        file = self._files[self._stamps.count]
        gray = _decode(file)
        if gray.shape != self._first.shape:
            (height, width), (wanted_height, wanted_width) = gray.shape, self._first.shape
            message = (
                f"{file}: its size is {width}x{height}, but that of {self._files[0].name} is "
                f"{wanted_width}x{wanted_height}; one folder holds images of one size"
            )
            raise CameraError(message)
        return self._stamps.frame(gray)

    def close(self) -> None:
        """Forget the images. Safe to call twice."""
        self._files = []


def natural(path: Path) -> tuple[list[str | int], str]:
    """Return the key by which a person sorts names: numbers in them count as numbers."""
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if part.isdecimal() else part.lower() for part in parts], path.name


def _decode(file: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        message = f"{file}: not an image that can be read; mend or remove it"
        raise CameraError(message)
    return np.asarray(picture, np.uint8)
