"""Act as the owner of a folder: an administrator works in a folder of the service's user."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def other_owner(folder: Path) -> tuple[int, int] | None:
    """Return user and group of a folder, if this process is root's and the folder is another user's; else None.

    Of a folder that is missing, it is the owner of the nearest one above it.
    """
    if os.geteuid():
        return None
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = folder.stat()
    return (found.st_uid, found.st_gid) if found.st_uid else None


@contextmanager
def acting_as_owner(folder: Path) -> Iterator[None]:
    """Act as a folder's owner within the block, if this process is root's and the folder is another user's.

    What is written then belongs to that user, and a link that this user put there leads to nothing that this user may
    not write. All threads of the process are affected.
    """
    owner = other_owner(folder)
    if owner is None:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(owner[1])
    os.seteuid(owner[0])
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
