"""Keep TensorFlow's native talk off the terminal. Import this before anything that imports keras.

It writes some lines before its logging knows any level, so the variable that
silences the rest does not reach them.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Drop what native code writes to standard error; Python's exceptions still come through."""
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with native_stderr_hidden():
    import keras  # noqa: F401  # the lines come from this import
