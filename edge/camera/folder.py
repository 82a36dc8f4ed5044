"""Folders of images, played like a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.camera.images import images_in, read_image
from edge.camera.opencv import check_sides
from edge.camera.timestamps import ClipStamps, utc_now
from edge.errors import CameraError

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
    """The images of a folder, one after the other, as `images_in` lists them.

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
        files = images_in(path)
        if len(files) == 1:
            message = f"{path}: only one image in this folder, {files[0].name}; {SINGLE}"
            raise CameraError(message)
        self.name = path.name or str(path)
        self.frames = len(files)
        self._files = files
        self._stamps = ClipStamps(fps, now=now)
        first = read_image(files[0])
        try:
            check_sides(first)
        except CameraError as error:
            message = f"{files[0]}: {error}; shrink it, and with it the others"
            raise CameraError(message) from None
        self._shape = first.shape

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
