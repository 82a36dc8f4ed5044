from __future__ import annotations

import pytest

from edge.wire.characters import forbidden_character


@pytest.mark.parametrize("text", ["", "kitchen", "küche 2", "台所", "😀", "a b", "¡", "\U0001fffd"])
def test_what_every_broker_takes(text: str) -> None:
    assert forbidden_character(text) is None


@pytest.mark.parametrize(
    "code",
    [
        0x00, 0x01, 0x0A, 0x1F, 0x7F, 0x85, 0x9F, 0xD800, 0xDFFF, 0xFEFF,
        0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF,
    ],
)  # fmt: skip
def test_what_some_refuse(code: int) -> None:
    assert forbidden_character(f"kit{chr(code)}chen") == f"U+{code:04X}"
