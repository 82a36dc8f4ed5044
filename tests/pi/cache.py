"""Where the laboratory keeps what takes minutes to make: tarballs of root file systems, and wheels."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(os.environ.get("LAB_CACHE") or Path.home() / ".cache/emotion-edge-lab")
"""The variable ``LAB_CACHE`` names another one. Nothing in it is precious: what is missing is made anew."""


def key(*parts: str) -> str:
    """Return a short name for everything that decides what is made."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return a file or folder of the cache, made by `make` at the path it is given if it is not there yet."""
    path = FOLDER / name
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with scratch() as work:
            make(work / name)
            with contextlib.suppress(OSError):  # another run was faster
                (work / name).rename(path)
    return path


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield an empty folder on the disk of the cache, and remove it at the end unless something is mounted in it.

    Raises:
        RuntimeError: Something is: the folder stays, as what is mounted may be anybody's.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=FOLDER)).resolve()
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder in which nothing is mounted.

    Raises:
        RuntimeError: Something is.
    """
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    inside = [mount for mount in mounts if Path(mount).is_relative_to(folder.resolve())]
    if inside:
        message = f"{folder}: not removed, as these are mounted: {', '.join(inside)}"
        raise RuntimeError(message)
    shutil.rmtree(folder, ignore_errors=True)


def pack(folder: Path, archive: Path) -> None:
    """Make a tarball of a root file system."""
    subprocess.run(["tar", "--create", "--file", archive, "--directory", folder, "--xattrs", "."], check=True)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a tarball of a root file system into a new folder, and return that."""
    folder.mkdir()
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", folder, "--xattrs"], check=True)
    return folder
