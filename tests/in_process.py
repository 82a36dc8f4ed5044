"""The daemon in a thread of the test's own process, where its parts can be replaced."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from edge.daemon import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.config import Settings


@contextlib.contextmanager
def daemon(settings: Settings, **options: Any) -> Iterator[None]:
    """Run the daemon; at the end it is told to stop, also where the test failed, and must do so."""
    stop = threading.Event()
    thread = threading.Thread(target=run.run, args=(settings, stop), kwargs=options)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
