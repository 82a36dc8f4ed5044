"""The files of the database: for their user alone, watched for changes by others, set aside once damaged."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.files import sync_folder
from edge.mqtt.outbox.errors import UnfitError, explained
from edge.mqtt.outbox.schema import APPLICATION_ID

if TYPE_CHECKING:
    from pathlib import Path

_MOST_DAMAGED = 3

_COMPANIONS = "-wal", "-shm"


def claim(path: Path) -> None:
    """Make the file and its folder, for this user alone, where they are missing. Another program's file stays as it is.

    Call it only while this process does not have the database open: to close a file drops SQLite's locks on it.

    Raises:
        UnfitError: It is there and is no regular file.
        StoreError: It cannot be opened or made.
    """
    try:
        missing = [folder for folder in path.parents if not os.path.lexists(folder)]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        # Without O_NONBLOCK, opening a FIFO may wait.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o600)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                message = "this is not a regular file; name one in outbox.path"
                raise UnfitError(message)
            is_ours = not found.st_size or _is_ours(os.pread(descriptor, 72, 0))
            if is_ours and found.st_mode & 0o077:  # made by an older version, which asked for no mode
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except IsADirectoryError:
        message = "this is a folder; name a file in outbox.path"
        raise UnfitError(message) from None
    except OSError as error:
        raise explained(error) from None
    for end in _COMPANIONS if is_ours else ():
        with suppress(OSError):
            companion = path.with_name(path.name + end)
            if stat.S_ISREG(companion.lstat().st_mode):
                companion.chmod(0o600)


def _is_ours(header: bytes) -> bool:
    """Return whether a file begins as the outbox does; SQLite's "Database File Format", section 1.3."""
    return header[:16] == b"SQLite format 3\0" and header[68:72] == APPLICATION_ID.to_bytes(4)


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{number}")


def set_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it; return its new name. Of many, the first few and the last stay.

    Raises:
        StoreError: It cannot be renamed.
    """
    try:
        for number in range(1, _MOST_DAMAGED + 1):
            aside = _aside(path, number)
            if not aside.exists():
                break
        for end in _COMPANIONS:  # they would be taken for the next file's
            companion = path.with_name(path.name + end)
            if companion.exists():
                companion.replace(aside.with_name(aside.name + end))
        path.replace(aside)
    except OSError as error:
        raise explained(error) from None
    return aside


def remove_old(path: Path, max_age_s: float) -> None:
    """Remove what was set aside and was last written longer ago, as far as that can be done."""
    for number in range(1, _MOST_DAMAGED + 1):
        aside = _aside(path, number)
        with suppress(OSError):
            if time.time() - aside.stat().st_mtime > max_age_s:
                remove(aside)


def remove(path: Path) -> None:
    """Remove a file and what belongs to it, as far as that can be done."""
    for end in ("", *_COMPANIONS):
        with suppress(OSError):
            path.with_name(path.name + end).unlink()


@dataclass(frozen=True)
class Mark:
    """What a file looks like: it changes with every write, and with every other file of that name."""

    inode: tuple[int, int] | None = None
    """Device and inode; None: there is no file."""

    size: int = 0
    written_ns: int = 0

    @classmethod
    def of(cls, path: Path) -> Mark:
        """Return what the file looks like now."""
        try:
            found = path.stat()
        except OSError:
            return cls()
        return cls((found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns)


@dataclass(frozen=True)
class Marks:
    """What the database and its write-ahead log look like."""

    database: Mark
    log: Mark

    @classmethod
    def of(cls, path: Path, log: Path) -> Marks:
        """Return what both look like now."""
        return cls(Mark.of(path), Mark.of(log))

    def same_files(self, others: Marks) -> bool:
        """Return whether the database is the same file, whatever is in it, and its log is not another one."""
        same_log = self.log.inode == others.log.inode or None in (self.log.inode, others.log.inode)
        return self.database.inode == others.database.inode and same_log


def put_in_place(new: Path, path: Path) -> None:
    """Rename a closed database, synced, to a name at which nothing is.

    Raises:
        StoreError: It cannot be renamed.
    """
    try:
        new.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise explained(error) from None
