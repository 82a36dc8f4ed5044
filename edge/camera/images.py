"""Image files, read whole: what they announce is checked before anything is decoded."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.camera.opencv import silence
from edge.errors import CameraError
from edge.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png"})
"""Names of files that count as images, in small letters."""

MOST_BYTES = 128 * 1024 * 1024
"""Of the file."""

MOST_PIXELS = 128 * 1024 * 1024
"""Of the picture: phones take up to 108 million."""

_PNG, _JPEG, _BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"
_PNG_END = b"IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
_START_OF_SCAN = 0xDA
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers SOF0 to SOF15 (ITU-T T.81, table B.1)."""

_PNM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s")


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return ``(H, W)`` gray levels of an image file, turned as its EXIF data says.

    Raises:
        CameraError: It cannot be read, is no image, is damaged or cut off, or is too large.
    """
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        message = f"{path}: {error.strerror}; mend or remove it"
        raise CameraError(message) from None
    size = announced_size(content)
    if size is None:
        message = f"{path}: not an image that can be read ({', '.join(sorted(SUFFIXES))}); mend or remove it"
        raise CameraError(message)
    width, height = size
    if width * height > MOST_PIXELS:
        message = f"{path}: it says that it has {width}x{height} pixels; at most {MOST_PIXELS:,} are read"
        raise CameraError(message)
    if is_cut_off(content):
        message = f"{path}: the image breaks off, as after an interrupted copy; mend or remove it"
        raise CameraError(message)
    silence()
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # what it says is for programmers
        picture = None
    if picture is None:
        message = f"{path}: the image is damaged; mend or remove it"
        raise CameraError(message)
    return np.asarray(picture, np.uint8)


def announced_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height that a PNG, JPEG, BMP or PNM file announces; None for any other content."""
    try:
        if content.startswith(_PNG):
            return struct.unpack_from(">II", content, 16)
        if content.startswith(_JPEG):
            at, height, width = _jpeg_header(content)
            return (width, height) if at else None
        if content.startswith(_BMP):
            width, height = struct.unpack_from("<ii", content, 18)
            return abs(width), abs(height)  # a negative height: top row first
    except struct.error:  # it breaks off within its header
        return None
    pnm = _PNM.match(content[:4096])
    return (int(pnm[1]), int(pnm[2])) if pnm else None


def is_cut_off(content: bytes) -> bool:
    """Return whether a PNG or JPEG file breaks off; OpenCV would fill up what is missing with gray."""
    if content.startswith(_PNG):
        return _PNG_END not in content
    if content.startswith(_JPEG):
        at, _, _ = _jpeg_header(content)  # a thumbnail, which has an end of its own, lies before it
        return content.find(_JPEG_END, at) < 0
    return False


def _jpeg_header(content: bytes) -> tuple[int, int, int]:
    """Return where the pixels of a JPEG begin, its height and its width; all 0 where it has no such header.

    Raises:
        struct.error: It breaks off before.
    """
    at, height, width = 2, 0, 0
    while True:
        mark, marker, length = struct.unpack_from(">BBH", content, at)
        if mark != 0xFF:
            return 0, 0, 0
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", content, at + 5)
        at += 2 + length
        if marker == _START_OF_SCAN:
            return at, height, width
