"""The daemon's two folders: one on disk for its state, one in memory."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE_STATE = Path("/var/lib/emotion-edge")
"""What the unit's ``StateDirectory=`` is for everybody else."""

_IN_MEMORY = (f"/run/user/{os.getuid()}", "/dev/shm")  # noqa: S108  # made with a name of our own, for us alone


def state_directory(root: str, environ: Mapping[str, str]) -> Path:
    """Return the folder on disk; it may not exist yet.

    It is systemd's ``StateDirectory=``, else one below the user's (XDG Base Directory Specification) of
    this device alone, so that two daemons on one machine do not share it.

    Args:
        root: The prefix of the device's topics.
        environ: The environment.
    """
    if of_unit := environ.get("STATE_DIRECTORY"):
        return Path(of_unit.split(":")[0])
    of_user = Path(environ.get("XDG_STATE_HOME", ""))
    base = of_user if of_user.is_absolute() else Path(os.path.expanduser("~/.local/state"))  # noqa: PTH111  # never raises
    return base / "emotion-edge" / _name(root)


def administered_directory(root: str, environ: Mapping[str, str], instance: str | None = None) -> Path:
    """Return the folder on disk of the daemon that this user administers; it may not exist yet.

    It is the service's for root and for the service's own user, if there is one; else as of `state_directory`.

    Args:
        root: The prefix of the device's topics.
        environ: The environment.
        instance: Of the service, if not the one without a name.
    """
    if instance is not None:
        return SERVICE_STATE / instance
    if "STATE_DIRECTORY" not in environ and os.access(SERVICE_STATE, os.R_OK | os.W_OK | os.X_OK):
        return SERVICE_STATE
    return state_directory(root, environ)


def runtime_directory(root: str, environ: Mapping[str, str]) -> Path:
    """Return the folder in memory: it outlives the daemon, but not the machine.

    It is systemd's ``RuntimeDirectory=``, else one of the user's. Only if there is no file system in memory
    is it in the folder for temporary files, which may be on disk.

    Args:
        root: The prefix of the device's topics.
        environ: The environment.
    """
    if of_unit := environ.get("RUNTIME_DIRECTORY"):
        return Path(of_unit.split(":")[0])
    for base in (environ.get("XDG_RUNTIME_DIR", ""), *_IN_MEMORY, tempfile.gettempdir()):
        if Path(base).is_absolute() and os.access(base, os.W_OK | os.X_OK):
            break
    return Path(base) / f"emotion-edge-{os.getuid()}" / _name(root)


def _name(root: str) -> str:
    """Return a file name for topics, which may hold any character; the hash tells `a b` from `a-b`."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", root.rpartition("/")[2])[:40]
    return f"{readable}-{hashlib.sha256(root.encode()).hexdigest()[:8]}"
