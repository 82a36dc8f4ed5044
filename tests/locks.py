"""A lock for which the kernel names no process."""

from __future__ import annotations

import fcntl
import os
import struct
from typing import IO


def lock_open_file_description(file: IO[bytes]) -> None:
    """Lock a file for as long as it is open; F_GETLK names no process for this lock."""
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
