"""Keep native libraries from writing to the user's terminal, whatever the log level."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Hidden:
    """The process's standard error, hidden while at least one block is active."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._stderr = -1

    def enter(self) -> None:
        with self._lock:
            self._blocks += 1
            if self._blocks == 1:
                self._stderr = os.dup(2)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)

    def leave(self) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                os.dup2(self._stderr, 2)
                os.close(self._stderr)


_HIDDEN = _Hidden()


@contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Discard what native code writes to standard error within the block; exceptions pass.

    Several threads may be in such a block. The whole process's standard error is hidden
    until the last one leaves.
    """
    _HIDDEN.enter()
    try:
        yield
    finally:
        _HIDDEN.leave()
