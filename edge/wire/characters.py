"""Which characters MQTT allows in topics, client ids, users and other strings."""

from __future__ import annotations

MOST_BYTES = 65_535
"""Of any string in UTF-8, because its length is sent in two bytes."""

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_BYTE_ORDER_MARK = 0xFEFF


def forbidden_character(text: str) -> str | None:
    """Return the first character that some broker or client refuses, such as ``U+0085``; None: there is none.

    MQTT 5, section 1.5.4: U+0000 and surrogates must not be there; control characters and noncharacters should not,
    and mosquitto closes the connection for one. U+FEFF is allowed, but paho takes it for a protocol error.
    """
    for character in text:
        code = ord(character)
        if (
            code in _CONTROLS
            or 0xD800 <= code <= 0xDFFF
            or code == _BYTE_ORDER_MARK
            or 0xFDD0 <= code <= 0xFDEF
            or code & 0xFFFE == 0xFFFE
        ):
            return f"U+{code:04X}"
    return None
