"""All hooks of the configuration."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.hooks.counter import HookCounter
from edge.hooks.runner import HookRunner

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from edge.config import HookConfig
    from edge.wire.messages import FaceEvent, HookCounts

_KILLED_S = 0.5
"""Seconds that killed programs have to be gone, all together."""


class Hooks:
    """Runs the hooks that an event is for.

    Example:
        >>> hooks = Hooks(settings.hooks)
        >>> hooks.add(event)
        >>> hooks.close(patience_s=0.3)
    """

    def __init__(self, config: Sequence[HookConfig] = ()) -> None:
        """Take what there is to run."""
        self._counter = HookCounter()
        self._runners: list[HookRunner] = []
        self._retired: list[HookRunner] = []
        """Of hooks that are no longer configured, until all that they were asked for is done."""
        self.configure(config)

    @property
    def counts(self) -> HookCounts:
        """How often hooks ran, failed and dropped an event, since the start."""
        return self._counter.counts

    def configure(self, config: Sequence[HookConfig]) -> None:
        """Take another configuration over. What a hook that is no longer there was asked for, it still does."""
        before, self._runners = self._runners, []
        for index, hook in enumerate(config):
            if index < len(before) and before[index].config == hook:
                self._runners.append(before[index])
            else:
                self._runners.append(HookRunner(index + 1, hook, self._counter))
        replaced = [runner for runner in before if runner not in self._runners]
        for runner in replaced:
            runner.finish()
        self._retired = [runner for runner in (*self._retired, *replaced) if not runner.ended]

    def add(self, event: FaceEvent) -> None:
        """Hand an event to each hook that is for it. Never waits."""
        for runner in self._runners:
            runner.add(event)

    def drain(self, patience_s: float, stop: threading.Event) -> None:
        """Wait until every event is done, at most so long, or until the stop."""
        until_s = time.monotonic() + patience_s
        runners = [*self._retired, *self._runners]
        while not all(runner.idle for runner in runners) and time.monotonic() < until_s:
            if stop.wait(0.02):
                return

    def close(self, patience_s: float) -> None:
        """Wait at most so long for what waits; then drop it, and kill what runs."""
        until_s = time.monotonic() + patience_s
        runners = [*self._retired, *self._runners]
        for runner in runners:
            runner.finish()
        for runner in runners:
            runner.join(until_s)
        for runner in runners:
            runner.cancel()
        until_s = time.monotonic() + _KILLED_S
        for runner in runners:
            runner.join(until_s)
