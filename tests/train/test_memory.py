from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

AS_TENSORFLOW_LEAVES_IT = """
import ctypes, resource, sys
sys.path.insert(0, {root!r})
import numpy as np
from train.memory import keep_freed

def fresh_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(1 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

for option in (-1, -3):
    ctypes.CDLL(None).mallopt(option, 128 * 1024)
print(fresh_pages())
keep_freed()
fresh_pages()
print(fresh_pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no mallopt")
def test_what_was_freed_is_there_for_the_next() -> None:
    program = AS_TENSORFLOW_LEAVES_IT.format(root=str(Path(__file__).parents[2]))
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    before, after = map(int, ran.stdout.split())
    assert before > 20 * 200  # a megabyte is 256 pages
    assert after < 20
