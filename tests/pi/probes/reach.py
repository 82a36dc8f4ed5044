"""Try what a service must not do, with whatever rights and walls this process has; prints a JSON object of outcomes.

Usage: reach.py HOME, a folder that belongs to somebody else.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FINIT_MODULE = {"x86_64": 313, "aarch64": 273}


def write(path: str) -> None:
    file = Path(path)
    file.write_text("x", encoding="utf-8")
    file.unlink()


def load_a_module() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    with Path(sys.executable).open("rb") as file:  # no module, so nothing is ever loaded
        if library.syscall(FINIT_MODULE[os.uname().machine], file.fileno(), b"", 0) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def executable_memory() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    everything, private = 7, 0x22  # PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS
    if library.mmap(None, ctypes.c_size_t(4096), everything, private, -1, 0) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def new_namespace() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(0x10000000) == -1:  # CLONE_NEWUSER
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


ATTEMPTS: dict[str, Callable[[str], object]] = {
    "write into /usr": lambda _: write("/usr/local/reached"),
    "write into /etc": lambda _: write("/etc/reached"),
    "write into /opt": lambda _: write("/opt/reached"),
    "read another's home": lambda home: list(Path(home).iterdir()),
    "open a raw socket": lambda _: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(),
    "open a packet socket": lambda _: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "load a module": lambda _: load_a_module(),
    "change the host's name": lambda _: socket.sethostname(socket.gethostname()),
    "set a kernel parameter": lambda _: Path("/proc/sys/kernel/domainname").write_text("x", encoding="utf-8"),
    "have memory that is written and run": lambda _: executable_memory(),
    "open a namespace": lambda _: new_namespace(),
}


def outcome(attempt: Callable[[str], object], home: str) -> str:
    try:
        attempt(home)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return "done"


if __name__ == "__main__":
    print(json.dumps({name: outcome(attempt, sys.argv[1]) for name, attempt in ATTEMPTS.items()}))
