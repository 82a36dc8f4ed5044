"""Start a thread that a descriptor wakes, where there may be none left of either."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from edge.hooks.failure import HookFailureError

if TYPE_CHECKING:
    from collections.abc import Callable


def start_thread(run: Callable[[int], None], name: str) -> tuple[threading.Thread, int]:
    """Start a thread; return it and an eventfd(2) of its own, which the caller or the thread closes.

    Args:
        run: What it does; gets the eventfd.
        name: Of the thread.

    Raises:
        HookFailureError: The service or the machine has no thread or no descriptor left.
    """
    try:
        wakeup = os.eventfd(0, os.EFD_CLOEXEC)
    except OSError as error:
        message = f"cannot be run: {error.strerror}"
        raise HookFailureError(message) from None
    thread = threading.Thread(target=run, args=(wakeup,), name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        os.close(wakeup)
        message = "cannot be run: no thread is left"
        raise HookFailureError(message) from None
    return thread, wakeup
