"""How a PNG is to be turned: OpenCV turns its colours, and not its opacity."""

from __future__ import annotations

import struct

_ORIENTATION = 0x0112
"""EXIF's tag; its values are 1 to 8 (CIPA DC-008, section 4.6.4)."""


def png_orientation(content: bytes) -> int:
    """Return the orientation of a PNG's EXIF data, 1 to 8; 1 where it says none ("Extensions to the PNG 1.2", eXIf)."""
    at = 8
    try:
        while True:
            length, kind = struct.unpack_from(">I4s", content, at)
            if kind == b"eXIf":
                return _orientation(content[at + 8 : at + 8 + length])
            at += 12 + int(length)
    except struct.error:  # past its end
        return 1


def _orientation(exif: bytes) -> int:
    """Return the orientation that a TIFF header and its first directory say.

    Raises:
        struct.error: It breaks off before.
    """
    order = ">" if exif.startswith(b"MM") else "<"
    (directory,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, directory)
    for number in range(count):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, directory + 2 + 12 * number)
        if tag == _ORIENTATION:
            return int(value) if 1 <= value <= 8 else 1
    return 1
