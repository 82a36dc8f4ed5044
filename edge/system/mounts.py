"""Whether a folder outlives the machine's next boot."""

from __future__ import annotations

import re
from pathlib import Path


def is_forgotten_at_boot(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Return whether a folder is below an overlay whose changes are in memory, as raspi-config's read-only root.

    A folder that is itself on a file system in memory is one that somebody chose, and is not meant.

    Args:
        folder: It need not exist.
        mounts: The kernel's table, proc_pid_mountinfo(5).
    """
    try:
        table = _table(mounts.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return False
    kind, options = _mount_of(folder.resolve(), table)
    upper = next((option.removeprefix("upperdir=") for option in options if option.startswith("upperdir=")), "")
    return kind == "overlay" and bool(upper) and _mount_of(Path(upper), table)[0] == "tmpfs"


_Table = dict[Path, tuple[str, list[str]]]


def _table(text: str) -> _Table:
    """Return kind and options of what is mounted at each place; the newest mount covers earlier ones."""
    found: _Table = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, _source, options = (*after.split(" "), "", "", "")[:3]
        found[Path(_unescaped(before.split(" ")[4]))] = kind, _unescaped(options).split(",")
    return found


def _mount_of(path: Path, table: _Table) -> tuple[str, list[str]]:
    return next((table[place] for place in (path, *path.parents) if place in table), ("", []))


def _unescaped(text: str) -> str:
    """Return a text without the octal codes that stand for blanks, tabs, line breaks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)
