"""Where this user's embedded broker listens, so that `emotion-edge watch --broker embedded` finds it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from edge.errors import OutputError
from edge.files import private_folder, read_text, write_own
from edge.system.directories import runtime_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_PORT = 1883
"""The first port that an embedded broker tries."""

_MOST_DIGITS = 5


@contextlib.contextmanager
def remembered(port: int) -> Iterator[None]:
    """Keep a port in a file in memory while the block runs. Of several brokers, the one that started last is kept."""
    file = _file()
    with contextlib.suppress(OSError, OutputError):  # then `watch` needs the address
        private_folder(file.parent)
        write_own(file, f"{port}\n".encode())
    try:
        yield
    finally:
        if _read(file) == port:
            with contextlib.suppress(OSError):
                file.unlink()


def embedded_port() -> int:
    """Return the port of the embedded broker that this user started last; the first that it tries if none runs."""
    return _read(_file()) or FIRST_PORT


def _file() -> Path:
    return runtime_directory("embedded-broker", os.environ) / "port"


def _read(file: Path) -> int | None:
    try:
        text = read_text(file, most_bytes=16).strip()
    except (OSError, UnicodeDecodeError):
        return None
    port = int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
    return port if 0 < port <= 0xFFFF else None
