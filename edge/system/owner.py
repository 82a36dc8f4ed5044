"""Act as the owner of a folder: an administrator works in a folder of the service's user."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_LINKS = 40
"""The kernel follows no more in a path (path_resolution(7))."""


def other_owner(folder: Path) -> tuple[int, int] | None:
    """Return user and group of the first part of a folder's path that is not root's, if this process is root's.

    Whoever owns that part can put a link below it that leads to a folder of root's. The folder need not exist.
    None: all of the path is root's, or this process is not.
    """
    if os.geteuid():
        return None
    try:
        return _first_owner(folder.absolute(), _MOST_LINKS)
    except OSError:  # the rest does not exist
        return None


def _first_owner(path: Path, links: int) -> tuple[int, int] | None:
    for place in (*reversed(path.parents), path):
        found = place.lstat()
        if found.st_uid:
            return found.st_uid, found.st_gid
        if stat.S_ISLNK(found.st_mode) and links:
            owner = _first_owner(place.parent / place.readlink(), links - 1)
            if owner:
                return owner
    return None


@contextmanager
def acting_as_owner(folder: Path) -> Iterator[None]:
    """Act within the block as the user of `other_owner`, if there is one.

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
