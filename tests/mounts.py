"""File systems of a test's own: a small one in memory, and an image to copy as a power cut would leave it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def can_mount() -> bool:
    """Say whether mounts and namespaces can be had here: root may make them, but not in every container."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return not subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode


def _mount(folder: Path, *arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder.mkdir()
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")


@contextlib.contextmanager
def _unmounted(folder: Path) -> Iterator[Path]:
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def small_tmpfs(folder: Path, files: int = 20) -> Iterator[Path]:
    """Mount a file system in memory that is soon full; with `files` 0 it takes none, not even an empty one."""
    _mount(folder, "-t", "tmpfs", "-o", f"size=64k,nr_inodes={files + 1}", "tmpfs")
    with _unmounted(folder) as disk:
        yield disk


def make_room(folder: Path) -> None:
    """Let a `small_tmpfs` take more files."""
    subprocess.run(["mount", "-o", "remount,nr_inodes=21", str(folder)], check=True)


def ext4_image(file: Path) -> Path:
    """Make an empty ext4 file system in a file."""
    program = shutil.which("mkfs.ext4") or shutil.which("mkfs.ext4", path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip("mkfs.ext4 is not installed: sudo apt install e2fsprogs")
    file.write_bytes(b"")
    os.truncate(file, 16 << 20)
    subprocess.run([program, "-q", "-F", str(file)], check=True)
    return file


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mount an image."""
    _mount(folder, "-o", "loop", str(image))
    with _unmounted(folder) as disk:
        yield disk
