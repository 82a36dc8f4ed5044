"""What an installation and a removal change of a file system."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.pi.system import System

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
"""Mounted in the system, or gone with it, or the archives."""

LARGE = 1 << 15
"""Bytes from which on a file is known by its size and the time of its last change: an emulated processor would take
minutes to read all of a system."""


def left_behind(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return what differs between two results of `files`, but for logs."""
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return sorted(name for name in changed if not name.startswith(LOGS))


def files(root: Path) -> dict[str, str]:
    """Return each file and folder below a root with its mode, its owner, and its content or its target in short."""
    found = {}
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [each for each in folders if each not in NOT_FILES]
        for path in (Path(folder) / name for name in [*folders, *names]):
            about = path.lstat()
            known_by = f"{about.st_mode:o} {about.st_uid}:{about.st_gid} {_content(path, about)}"
            found[str(path.relative_to(root))] = known_by
    return found


def files_within(system: System) -> dict[str, str]:
    """Return what `files` does of a system whose files this host does not see: it runs in there."""
    system.write("/run/snapshot.py", Path(__file__).read_text(encoding="utf-8"))
    script = "import json, pathlib, snapshot; print(json.dumps(snapshot.files(pathlib.Path('/'))))"
    found: dict[str, str] = json.loads(system.out("env", "PYTHONPATH=/run", "python3", "-c", script))
    return found


def _content(path: Path, about: os.stat_result) -> str:
    if stat.S_ISLNK(about.st_mode):
        return str(path.readlink())
    if not stat.S_ISREG(about.st_mode):
        return ""
    if about.st_size >= LARGE:
        return f"{about.st_size} {about.st_mtime_ns}"
    return hashlib.sha256(path.read_bytes()).hexdigest()
