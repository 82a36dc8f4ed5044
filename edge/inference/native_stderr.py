"""Keep native libraries from writing to the user's terminal past every log level."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Hidden:
    """The process's one standard error, hidden as long as anybody wants it to be."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wishes = 0
        self._stderr = -1

    def more(self) -> None:
        with self._lock:
            self._wishes += 1
            if self._wishes == 1:
                self._stderr = os.dup(2)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)

    def fewer(self) -> None:
        with self._lock:
            self._wishes -= 1
            if not self._wishes:
                os.dup2(self._stderr, 2)
                os.close(self._stderr)


_HIDDEN = _Hidden()


@contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Drop what native code writes to standard error; Python's exceptions still come through.

    Threads may be within at the same time: what they hide is the whole process's, and it
    comes back when the last one leaves.
    """
    _HIDDEN.more()
    try:
        yield
    finally:
        _HIDDEN.fewer()
