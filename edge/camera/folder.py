"""Folders of images, played like a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.camera.images import SUFFIXES, read_image
from edge.camera.timestamps import ClipStamps, utc_now
from edge.errors import CameraError
from edge.files import natural

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from edge.frame import Frame


SINGLE = (
    "expressions are followed over time: write the path of a clip, or of a folder with pictures of one scene in "
    "their order; 'emotion-edge read PHOTO' reads the faces of a single picture"
)
"""What to do with a single picture."""


class ImageFolder:
    """The images of a folder, one after the other: ``frame2.png`` comes before ``frame10.png``.

    Hidden files are passed over: macOS puts a ``._name.jpg`` that is no image beside each image.

    Attributes:
        name: The folder's name.
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
            CameraError: The folder cannot be read or holds fewer than two images, or the first cannot be decoded.
        """
        try:
            files = sorted(filter(_counts, path.iterdir()), key=natural)
        except OSError as error:
            message = f"{path}: {error.strerror}; write the path of a folder that can be read"
            raise CameraError(message) from None
        if not files:
            message = f"{path}: no image in this folder; it takes {', '.join(sorted(SUFFIXES))}"
            raise CameraError(message)
        if len(files) == 1:
            message = f"{path}: only one image in this folder, {files[0].name}; {SINGLE}"
            raise CameraError(message)
        self.name = path.name or str(path)
        self.frames = len(files)
        self._files = files
        self._stamps = ClipStamps(fps, now=now)
        self._shape = read_image(files[0]).shape

    def read(self) -> Frame | None:
        """Return the next image; None after the last.

        Raises:
            CameraError: It cannot be decoded, or its size is not that of the first.
        """
        if self._stamps.count >= len(self._files):
            return None
        file = self._files[self._stamps.count]
        gray = read_image(file)
        if gray.shape != self._shape:
            (height, width), (wanted_height, wanted_width) = gray.shape, self._shape
            message = (
                f"{file}: its size is {width}x{height}, but that of {self._files[0].name} is "
                f"{wanted_width}x{wanted_height}; a folder is played like a clip: put the images of each size into a "
                "folder of their own, or read them as photos: emotion-edge read FOLDER"
            )
            raise CameraError(message)
        return self._stamps.frame(gray)

    def close(self) -> None:
        """Forget the images. Safe to call twice."""
        self._files = []


def _counts(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
