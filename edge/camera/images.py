"""Image files, read whole: what they announce is checked before anything is decoded."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.camera.opencv import silence
from edge.camera.orientation import png_orientation
from edge.errors import CameraError
from edge.files import natural_key, read_regular
from edge.inference.native_stderr import native_stderr_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".webp"})
"""Names of files that count as images, in small letters."""

MOST_BYTES = 128 * 1024 * 1024
"""Of the file."""

MOST_PIXELS = 128 * 1024 * 1024
"""Of the picture: phones take up to 108 million."""

_STRIP = 64
"""Rows of a picture that are laid on white at once."""

_PNG, _JPEG, _BMP, _RIFF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"RIFF"
_PNG_END = b"IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
_START_OF_SCAN = frozenset({0xDA})
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers SOF0 to SOF15 (ITU-T T.81, table B.1)."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a segment: TEM and RST0 to RST7."""

_MARKER = re.compile(rb"\xff[^\0\xff]", re.DOTALL)
"""The next marker. As libjpeg does, what stands between two segments is passed over: fill bytes, and stray ones."""

_PNM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s")


def images_in(folder: Path) -> list[Path]:
    """Return the images of a folder, ``frame2.png`` before ``frame10.png``; at least one.

    Hidden files are passed over: macOS puts a ``._name.jpg`` that is no image beside each image.

    Raises:
        CameraError: The folder cannot be read, or holds no image.
    """
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    except OSError as error:
        message = f"{folder}: {error.strerror}; write the path of a folder that can be read"
        raise CameraError(message) from None
    if not files:
        message = f"{folder}: no image in this folder; it takes {', '.join(sorted(SUFFIXES))}"
        raise CameraError(message)
    return sorted(files, key=natural_key)


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return ``(H, W)`` gray levels of an image file, turned as its EXIF data says.

    Raises:
        CameraError: It cannot be read, is no image, is damaged or cut off, or is too large.
    """
    return _decoded(path, _content(path), cv2.IMREAD_GRAYSCALE)


def read_colours(path: Path) -> NDArray[np.uint8]:
    """Return ``(H, W, 3)`` blue, green and red levels of an image file, turned as its EXIF data says.

    What is transparent in it lies on white.

    Raises:
        CameraError: As of `read_image`.
    """
    content = _content(path)
    with native_stderr_hidden():  # libjpeg and libpng write there themselves
        opacity = _opacity(path, content) if content.startswith((_PNG, _RIFF)) else None
        colours: NDArray[np.uint8] = _decoded(path, content, cv2.IMREAD_COLOR)
    if opacity is None or opacity.shape != colours.shape[:2]:
        return colours
    for top in range(0, len(colours), _STRIP):  # in 16 bits, a large photo takes gigabytes
        strip = slice(top, top + _STRIP)
        part = opacity[strip, :, None].astype(np.uint16)
        colours[strip] = (part * colours[strip] + (255 - part) * 255 + 127) // 255
    return colours


def _opacity(path: Path, content: bytes) -> NDArray[np.uint8] | None:
    """Return a PNG's or WebP's ``(H, W)`` opacity, 0 to 255, turned as its colours are; None where it is whole."""
    whole = _decoded(path, content, cv2.IMREAD_UNCHANGED)
    if whole.ndim != 3 or whole.shape[2] != 4:
        return None
    opacity = (whole[..., 3] if whole.dtype == np.uint8 else whole[..., 3] >> 8).astype(np.uint8)
    if opacity.min() == 255:
        return None
    orientation = png_orientation(content) if content.startswith(_PNG) else 1
    if orientation >= 5:
        opacity = opacity.T
    across, down = orientation in {2, 3, 6, 7}, orientation in {3, 4, 7, 8}
    return opacity[:: -1 if down else 1, :: -1 if across else 1]


def _content(path: Path) -> bytes:
    """Return the bytes of an image file that may be decoded."""
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        message = f"{path}: {error.strerror}; correct the name, mend or remove it"
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
    return content


def _decoded(path: Path, content: bytes, flags: int) -> NDArray[Any]:
    silence()
    picture = decode(content, flags)
    if picture is None:
        message = f"{path}: the image is damaged; mend or remove it"
        raise CameraError(message)
    return picture


def decode(content: bytes, flags: int) -> NDArray[Any] | None:
    """Return the picture of an image file's bytes; None where they are damaged, as also where they are none.

    Args:
        content: The whole file.
        flags: OpenCV's ``IMREAD_…``.
    """
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:  # empty, or more pixels than it decodes
        return None
    return None if picture is None else np.asarray(picture)


def announced_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height that a PNG, JPEG, WebP, BMP or PNM file announces; None for any other content."""
    try:
        if content.startswith(_PNG):
            return struct.unpack_from(">II", content, 16)
        if content.startswith(_JPEG):
            at = _jpeg_segment(content, _FRAME_HEADERS)
            height, width = struct.unpack_from(">HH", content, at + 3)
            return (width, height) if at else None
        if content.startswith(_RIFF) and content[8:12] == b"WEBP":
            return _webp_size(content)
        if content.startswith(_BMP):
            width, height = struct.unpack_from("<ii", content, 18)
            return abs(width), abs(height)  # a negative height: top row first
    except struct.error:  # it breaks off within its header
        return None
    pnm = _PNM.match(content[:4096])
    return (int(pnm[1]), int(pnm[2])) if pnm else None


def is_cut_off(content: bytes) -> bool:
    """Return whether a PNG, JPEG or WebP file breaks off; OpenCV would fill up what is missing with gray."""
    if content.startswith(_PNG):
        return _PNG_END not in content
    if content.startswith(_JPEG):
        try:
            at = _jpeg_segment(content, _START_OF_SCAN)  # a thumbnail, which has an end of its own, lies before it
        except struct.error:  # within a segment's length
            return True
        return content.find(_JPEG_END, at) < 0
    if content.startswith(_RIFF):
        return len(content) < 8 + int(struct.unpack_from("<I", content, 4)[0])
    return False


def _webp_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height of a WebP file; "WebP Container Specification" and RFC 6386, section 9.1.

    Raises:
        struct.error: It breaks off before.
    """
    kind = content[12:16]
    if kind == b"VP8X":
        low, high, low_down, high_down = struct.unpack_from("<HBHB", content, 24)
        return 1 + low + (high << 16), 1 + low_down + (high_down << 16)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_segment(content: bytes, markers: frozenset[int]) -> int:
    """Return where the first segment of these markers begins in a JPEG, behind the marker; 0 where there is none.

    Raises:
        struct.error: It breaks off before.
    """
    at = 2
    while found := _MARKER.search(content, at):
        at, marker = found.end(), content[found.end() - 1]
        if marker in markers:
            return at
        if marker not in _ALONE:
            at += int(struct.unpack_from(">H", content, at)[0])
    return 0
