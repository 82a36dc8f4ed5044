"""Confine this process: it may read files, but write only into one folder, and reach no network.

A model file of somebody else's is data, but the frameworks that load it are large, and parts of them can be made to
write files or to run code. Landlock (Linux 5.13 and newer) takes the right to write from a process, a network namespace
the network, and a resource limit the memory; none of them needs an administrator. What a system does not offer is left
out: the checks of the file itself, made before, do not depend on it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls of Landlock; the numbers are the same on every architecture."""

_WRITE_ACCESS = 0b1_1111_1111_0010
"""Landlock's rights that change files: write, remove and make of every kind (bits 1 and 4 to 12)."""

_REFER, _TRUNCATE = 1 << 13, 1 << 14
"""Of Landlock's second and third version."""

_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000

_MOST_MEMORY = 8 << 30
"""Bytes of data; the largest networks that pass the gates take less than one."""


class _RulesetAttr(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def confine(writable: Path) -> None:
    """Take from this process, and from all that it starts, what loading a model does not need.

    Args:
        writable: The one folder that it may still write into.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _MOST_MEMORY if most == resource.RLIM_INFINITY else min(most, _MOST_MEMORY)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
        _forbid_writing(libc, [writable, Path(os.devnull)])


def _forbid_writing(libc: ctypes.CDLL, exceptions: list[Path]) -> None:
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:  # a kernel without Landlock
        return
    access = _WRITE_ACCESS | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    attr = _RulesetAttr(access)
    ruleset = libc.syscall(
        _CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(ctypes.sizeof(attr)), ctypes.c_uint32(0)
    )
    if ruleset < 0:
        return
    try:
        for path in exceptions:
            _allow(libc, ruleset, path, access)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, access: int) -> None:
    if not path.exists():
        return
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        of_a_file = (1 << 1) | _TRUNCATE
        rule = _PathBeneathAttr(access if path.is_dir() else access & of_a_file, folder)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(folder)
