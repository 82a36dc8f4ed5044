"""Files, read only if they are regular files of a sensible size, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from edge.errors import DiskFullError, OutputError

_MOST_LETTERS = 32
"""Of a name in that of the temporary file. They have up to 128 bytes; a name has up to 255, or 143 with encryption."""

_FULL = {errno.ENOSPC, errno.EDQUOT}


def is_there(path: Path) -> bool:
    """Return whether a file or folder exists; False also where this user may not look, or the name is too long.

    `Path.exists` raises an error for these before Python 3.14.
    """
    return os.path.exists(path)  # noqa: PTH110  # as above


def is_folder(path: Path) -> bool:
    """Return whether a folder exists; False as of `is_there`."""
    return os.path.isdir(path)  # noqa: PTH112  # as of `is_there`


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or one that a link leads to, for reading.

    A FIFO, a socket or a device such as ``/dev/zero`` would block, or never end.

    Raises:
        OSError: It cannot be read, or is no regular file; `strerror` says which.
    """
    # Without O_NONBLOCK, opening a FIFO waits for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "this is not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, most_bytes: int) -> bytes:
    """Return the content of a regular file, or of one that a link leads to.

    Args:
        path: The file.
        most_bytes: The largest size that is accepted.

    Raises:
        OSError: As of `open_regular`, or it is too large; `strerror` says which.
    """
    with open_regular(path) as file:
        content = file.read(most_bytes + 1)  # not the size that fstat gives: the file may grow
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"this is larger than {most_bytes:,} bytes", str(path))
    return content


def read_text(path: Path, most_bytes: int) -> str:
    """Return the UTF-8 text of a regular file, without the byte-order mark that editors on Windows write.

    Args:
        path: The file.
        most_bytes: The largest size that is accepted.

    Raises:
        OSError: As of `read_regular`.
        UnicodeDecodeError: It is not UTF-8.
    """
    return read_regular(path, most_bytes).decode("utf-8-sig")


def write_atomically(path: Path, content: str | bytes, *, own: bool = False) -> None:
    """Write a file whole or not at all, and sync it and its folder: after the return a power cut does not undo it.

    Permissions, owner and group are those of the file that is replaced, as far as this user may set them; a new file
    has what the umask leaves.

    Args:
        path: The file. A link keeps pointing where it points; a pipe or a device is written to directly.
        content: Text as UTF-8, or bytes.
        own: Whether the file is this program's own: it is then for this user alone, and a link, a pipe or a device in
            its place is replaced.

    Raises:
        OutputError: It cannot be written there; a `DiskFullError` where the disk is full.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path = path.absolute() if own else _target(path)
        if not own and path.exists() and not path.is_file():
            path.write_bytes(data)  # a pipe or a device, which has no halves
            return
        scratch = path.with_name(f".{path.name[:_MOST_LETTERS]}.{secrets.token_hex(8)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(scratch, flags, 0o600 if own else 0o666), "wb") as file:
            try:
                if own:
                    os.fchmod(file.fileno(), 0o600)  # whatever the umask
                else:
                    _take_permissions(file.fileno(), path)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                scratch.replace(path)
                sync_folder(path.parent)
            except BaseException:
                scratch.unlink(missing_ok=True)
                raise
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise (DiskFullError if error.errno in _FULL else OutputError)(message) from None


def _take_permissions(descriptor: int, path: Path) -> None:
    """Set owner, group and permissions of an open file to those of the file that it replaces, if there is one.

    Where the group cannot be kept, the file is closed to the group that it has instead.
    """
    try:
        old = path.stat()
    except FileNotFoundError:
        return
    for owner in old.st_uid, -1:  # root alone gives a file away, and not to every file system
        with suppress(OSError):
            os.fchown(descriptor, owner, old.st_gid)
            break
    same_group = os.fstat(descriptor).st_gid == old.st_gid
    os.fchmod(descriptor, old.st_mode & (0o777 if same_group else 0o707))


def check_writable(path: Path) -> None:
    """Check that a file can be written, before the work whose result it gets; the disk may be full all the same.

    Args:
        path: As `write_atomically` takes it.

    Raises:
        OutputError: It is a folder, its folder is missing, or this user may not write there.
    """
    try:
        problem = _write_problem(_target(path))
    except OSError as error:
        problem = error.strerror
    if problem:
        message = f"{path}: cannot be written: {problem}"
        raise OutputError(message)


def check_png_writable(path: Path) -> None:
    """Check that a picture can be written there, before the work that draws it.

    Raises:
        OutputError: Its name does not end in ``.png``, or as of `check_writable`.
    """
    if path.suffix.lower() != ".png":
        message = f"{path}: the picture is a PNG; write a name that ends in .png"
        raise OutputError(message)
    check_writable(path)


def _write_problem(target: Path) -> str | None:
    if target.is_dir():
        return "this is a folder; name a file"
    if target.is_socket():
        return "this is a socket"
    if target.exists() and not target.is_file():
        return None if os.access(target, os.W_OK) else "this user may not write to it"
    if not target.parent.is_dir():
        return f"there is no folder {target.parent}"
    return None if os.access(target.parent, os.W_OK | os.X_OK) else "this user may not write there"


def _target(path: Path) -> Path:
    """Return where a link leads, which need not exist; the path itself for a pipe or a device.

    ``/dev/stdout`` leads to a pipe that has no path of its own.

    Raises:
        OSError: It leads to itself, for which `Path.resolve` raises another error.
    """
    if is_there(path) and not path.is_file() and not path.is_dir():
        return path.absolute()
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


def write_own(path: Path, content: bytes) -> None:
    """Write a file of this program's own atomically, for this user alone, and make its folder if it is missing.

    Raises:
        OSError: The folder cannot be made.
        OutputError: The file cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, content, own=True)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that the names in it survive a power cut.

    Raises:
        OSError: It cannot be opened or synced.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_folder(folder: Path) -> Path:
    """Return a folder that only this user can write, made if it is missing.

    Folders in memory lie in places for everybody, where another user may have made one of this name.

    Raises:
        OSError: It cannot be made, or another user could change what is in it.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # else with what the umask leaves
    folder.mkdir(mode=0o700, exist_ok=True)
    user = os.geteuid()
    for place, owners, strangers in ((folder, {user}, 0), (folder.parent, {user, 0}, stat.S_ISVTX)):
        found = place.lstat()
        shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or (shared and not found.st_mode & strangers):
            raise OSError(errno.EPERM, "another user could change this folder", str(place))
    return folder


def natural_key(path: Path) -> tuple[list[str | int], str]:
    """Return the key by which a person sorts names: numbers in them count as numbers."""
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if part.isdecimal() else part.lower() for part in parts], path.name
