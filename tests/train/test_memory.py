from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

AS_TENSORFLOW_LEAVES_IT = """
import ctypes, sys
sys.path.insert(0, {root!r})
from train.memory import keep_freed

class Statistics(ctypes.Structure):  # struct mallinfo2 of <malloc.h>: ten sizes, of which the heap's is the first
    _fields_ = [("arena", ctypes.c_size_t), ("others", ctypes.c_size_t * 9)]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Statistics
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def kept():
    "Allocate and free 16 MB; return how much more is on the heap."
    before = libc.mallinfo2().arena
    libc.free(libc.malloc(1 << 24))
    return libc.mallinfo2().arena - before

for option in (-1, -3):
    libc.mallopt(option, 128 * 1024)
print(kept())
keep_freed()
print(kept())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or platform.libc_ver()[1] < "2.33", reason="an older or another C library"
)
def test_what_was_freed_is_there_for_the_next() -> None:
    program = AS_TENSORFLOW_LEAVES_IT.format(root=str(Path(__file__).parents[2]))
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    before, after = map(int, ran.stdout.split())
    assert before == 0
    assert after >= 2**24
