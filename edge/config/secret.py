"""Passwords that people write into addresses, kept out of logs and screens."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):.*@")
"""From the user's end to the last at sign: a password may hold any other character, escaped or not."""


def hide_password(text: str) -> str:
    """Give the text with the password of an address in it replaced by ``…``."""
    return _PASSWORD.sub(r"\1:…@", text)
