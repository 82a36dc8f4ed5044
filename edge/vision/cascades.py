"""OpenCV's cascades of frontal faces: which are used, and where their files are."""

from __future__ import annotations

from pathlib import Path

import cv2

from edge.errors import EdgeError
from edge.system.packages import REQUIREMENTS, pip_install

_FOLDERS = ("/usr/share/opencv4/haarcascades",)
"""Where Debian's python3-opencv puts the cascades; the wheels carry them in cv2.data."""

CASCADE_PIXELS = 24
"""Pixels of the faces that the first cascade was trained on. A picture is shrunk until the smallest face has that size:
up to twice it a cascade goes in steps of two pixels, beyond in steps of one, at four times the cost for few faces
more."""

CASCADES = {"haarcascade_frontalface_default.xml": CASCADE_PIXELS, "haarcascade_frontalface_alt2.xml": 20}
"""The cascades by which new faces are searched for in turn, and the pixels of the faces that each was trained on; all
else is searched by the first. Of 160 people in `train.simulation` the first hits 131 in a quarter of their frames or
more, both together 138, in no more time; profiles would cost twice as much for as many."""


class Cascade:
    """One of `CASCADES`, loaded."""

    def __init__(self, name: str) -> None:
        """Load it.

        Raises:
            EdgeError: Its file is not on this machine.
        """
        self.pixels = CASCADES[name]
        self.detect = cv2.CascadeClassifier(str(cascade_file(name))).detectMultiScale


def cascade_file(name: str = next(iter(CASCADES))) -> Path:
    """Return the path of a cascade, of the first if none is named.

    Raises:
        EdgeError: It is in none of the places where OpenCV's packages put it.
    """
    data = getattr(cv2, "data", None)  # Debian's package has no cv2.data
    for folder in ([data.haarcascades] if data else []) + list(_FOLDERS):
        path = Path(folder) / name
        if path.exists():
            return path
    message = f"{name} is not on this machine: sudo apt install opencv-data, or {pip_install(REQUIREMENTS['cv2'])}"
    raise EdgeError(message)
