"""How often hooks ran, failed and were too slow; each problem is logged once."""

from __future__ import annotations

import logging
import threading

from edge.logs import LogOnce
from edge.wire.messages import HookCounts

log = logging.getLogger(__name__)


class HookCounter:
    """Counts for `health`. May be used from any thread."""

    def __init__(self) -> None:
        """Begin at 0."""
        self._lock = threading.Lock()
        self._once = LogOnce(log)
        self._run = self._failed = self._dropped = 0

    @property
    def counts(self) -> HookCounts:
        """The counts since the start."""
        with self._lock:
            return HookCounts(run=self._run, failed=self._failed, dropped=self._dropped)

    def succeed(self, hook: str) -> None:
        """Count a run that did its work."""
        with self._lock:
            self._run += 1
        if self._once.forget(hook):
            log.info("%s works again", hook)

    def fail(self, hook: str, why: str) -> None:
        """Count a run that failed."""
        with self._lock:
            self._run += 1
            self._failed += 1
        self._once.warning(hook, "%s: %s; `health` counts how often (hooks.failed)", hook, why)

    def drop(self, hook: str, count: int = 1, *, slow: bool = True) -> None:
        """Count events that the hook did not get, because it was slow or because the daemon stops."""
        with self._lock:
            self._dropped += count
        if not slow:
            return
        line = "%s is slower than its events: the oldest that wait are dropped; `health` counts them (hooks.dropped)"
        self._once.warning(f"{hook} is slow", line, hook)
