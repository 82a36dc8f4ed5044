"""Looks for pictures where none may be: plain, or as hex, base64 or numbers."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

RUN = 16
"""Pixels of a row that are taken for a part of a picture; a run of twice as many holds such a part for certain."""

_LEAST_VALUES = 4
"""A flat stretch of a picture is no evidence: zeros are everywhere."""

_HEX = re.compile(rb"[0-9a-fA-F]{32,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{22,}")
_NUMBERS = re.compile(rb"(?:\d{1,3}[,; \t\r\n\[\]]+){15,}\d{1,3}")
_CONTAINERS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"JFIF", b"GIF8", b"data:image", b"\x93NUMPY")


class Pictures:
    """Everything that was seen, to be recognised wherever it turns up.

    Args:
        pictures: ``(H, W)`` uint8 each.
    """

    def __init__(self, pictures: Iterable[NDArray[np.uint8]]) -> None:
        self._parts: set[bytes] = set()
        for picture in pictures:
            width = picture.shape[1] // RUN * RUN
            parts = np.ascontiguousarray(picture[:, :width]).reshape(-1, RUN)
            told_apart = np.count_nonzero(np.diff(np.sort(parts, axis=1), axis=1), axis=1) + 1 >= _LEAST_VALUES
            self._parts.update(part.tobytes() for part in parts[told_apart])

    def __len__(self) -> int:
        """Give the number of different parts."""
        return len(self._parts)

    def find(self, data: bytes) -> str | None:
        """Say what of a picture is in there; None: nothing."""
        for container in _CONTAINERS:
            if container in data:
                return f"the beginning of a picture file, {container!r}"
        for how, decoded in _decoded(data):
            for start in range(len(decoded) - RUN + 1):
                if decoded[start : start + RUN] in self._parts:
                    return f"pixels, {how}, at {start}"
        return None


def _decoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "plain", data
    for match in _HEX.finditer(data):
        for start in (0, 1):
            text = match[0][start:]
            yield "hex", binascii.unhexlify(text[: len(text) // 2 * 2])
    for match in _BASE64.finditer(data):
        for start in range(4):
            text = match[0][start:].translate(bytes.maketrans(b"-_", b"+/"))
            yield "base64", base64.b64decode(text[: len(text) // 4 * 4])
    for match in _NUMBERS.finditer(data):
        yield "numbers", bytes(number for number in map(int, re.findall(rb"\d+", match[0])) if number < 256)
