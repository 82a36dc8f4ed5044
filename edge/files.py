"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from edge.errors import OutputError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a power cut, never meets half of it.

    Raises:
        OutputError: It cannot be written there.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path = path.resolve()  # a link keeps pointing where it points
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a pipe or a device, which has no halves
            return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            scratch = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                scratch.chmod(0o644)
                scratch.replace(path)
            except BaseException:
                scratch.unlink(missing_ok=True)
                raise
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise OutputError(message) from None
