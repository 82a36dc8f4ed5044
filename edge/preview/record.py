"""How a picture and what is said of it travel: records in one answer that does not end.

A record is the length of its JSON text and that of its picture, 4 bytes each, big-endian, and both. Compared with a
JPEG in base64 within server-sent events it takes a quarter less, and in contrast to an MJPEG beside them, boxes and
picture are of the same frame. A WebSocket would carry the same bytes, with a handshake and masks more.
"""

from __future__ import annotations

import json
import struct
from typing import Any

_LENGTHS = struct.Struct(">II")


def record(message: dict[str, Any], picture: bytes = b"") -> bytes:
    """Return a record.

    Args:
        message: What JSON can hold.
        picture: A JPEG, or nothing.
    """
    text = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(text), len(picture)) + text + picture
