"""Where the daemon keeps what must outlive it: one folder on the disk, one in memory."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_MEMORY = (f"/run/user/{os.getuid()}", "/dev/shm")  # noqa: S108  # made with a name of our own, for us alone


def state_directory(root: str, environ: Mapping[str, str]) -> Path:
    """Give the folder on the disk; it may not be there yet.

    It is systemd's ``StateDirectory=``, else one below the user's (XDG Base Directory Specification) that is
    this device's alone, so that two daemons on one machine do not meet.

    Args:
        root: What the device's topics lie below.
        environ: The environment.
    """
    if of_unit := environ.get("STATE_DIRECTORY"):
        return Path(of_unit.split(":")[0])
    of_user = Path(environ.get("XDG_STATE_HOME", ""))
    base = of_user if of_user.is_absolute() else Path(os.path.expanduser("~/.local/state"))  # noqa: PTH111  # never raises
    return base / "emotion-edge" / _name(root)


def runtime_directory(root: str, environ: Mapping[str, str]) -> Path:
    """Give the folder in memory, which a restart of the daemon leaves and one of the machine empties.

    It is systemd's ``RuntimeDirectory=``, else one of the user's. Only where no file system in memory is found
    it lies in the folder for temporary files, which may be on the disk.

    Args:
        root: What the device's topics lie below.
        environ: The environment.
    """
    if of_unit := environ.get("RUNTIME_DIRECTORY"):
        return Path(of_unit.split(":")[0])
    for base in (environ.get("XDG_RUNTIME_DIR", ""), *_IN_MEMORY, tempfile.gettempdir()):
        if Path(base).is_absolute() and os.access(base, os.W_OK | os.X_OK):
            break
    return Path(base) / f"emotion-edge-{os.getuid()}" / _name(root)


def _name(root: str) -> str:
    """Give a file's name for topics that may hold any character; the hash keeps `a b` from `a-b`."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", root.rpartition("/")[2])[:40]
    return f"{readable}-{hashlib.sha256(root.encode()).hexdigest()[:8]}"
