"""How the C library of a training process deals with memory that is freed."""

from __future__ import annotations

import ctypes
import sys

# Of <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_FREE = 2**30
_LARGEST_ON_HEAP = 2**25
"""Bytes; glibc allows no more."""


def keep_freed() -> None:
    """Have glibc keep up to 1 GB of what is freed, for what is allocated next; see mallopt(3).

    For each data set that is made of a generator, TensorFlow sets M_TRIM_THRESHOLD to 128 kB. That also ends glibc's
    own adaptation: from then on each tensor above 128 kB gets fresh pages, which the kernel has to fill with zeros. A
    third of a training's time on a CPU went there. Other systems and C libraries stay as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE)
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_ON_HEAP)
