"""What an installation and a removal change of a file system."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

LOGS = (
    "var/log/",
    "var/lib/mosquitto/",  # the broker's
    "var/lib/systemd/",  # when timers and credentials were last used
    "etc/passwd-",  # copies that useradd and its like leave of what was before
    "etc/group-",
    "etc/shadow-",
    "etc/gshadow-",
)
"""What may differ afterwards."""

NOT_FILES = ("proc", "sys", "dev", "run", "tmp", "release", "newer", "broken")
"""Mounted in the container, or gone with it."""


def left_behind(root: Path, before: dict[str, str]) -> list[str]:
    """Return what differs from an earlier result of `files`, but for logs."""
    after = files(root)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return sorted(name for name in changed if not name.startswith(LOGS))


def files(root: Path) -> dict[str, str]:
    """Return each file and folder below a root with its mode, its owner, and its content's hash or its target."""
    found = {}
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [each for each in folders if each not in NOT_FILES]
        for path in (Path(folder) / name for name in [*folders, *names]):
            about = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(about.st_mode) else ""
            target = str(path.readlink()) if path.is_symlink() else ""
            found[str(path.relative_to(root))] = f"{about.st_mode:o} {about.st_uid}:{about.st_gid} {content}{target}"
    return found
