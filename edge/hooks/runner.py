"""One hook: a queue, and the thread that runs it, one event at a time."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from pathlib import PurePath
from typing import TYPE_CHECKING

from edge.hooks.command import run_command
from edge.hooks.failure import HookFailureError
from edge.hooks.post import post
from edge.hooks.thread import start_thread
from edge.redaction import redact

if TYPE_CHECKING:
    from edge.config import HookConfig
    from edge.hooks.counter import HookCounter
    from edge.wire.messages import FaceEvent

MOST_WAITING = 16
"""Events of one hook; the oldest is dropped for a newer one, which says more of what is so now."""


class HookRunner:
    """Runs a hook for the events that it is for.

    Its thread starts with the first of them, and ends after `finish`.
    """

    def __init__(self, number: int, config: HookConfig, counter: HookCounter) -> None:
        """Take what it is to run.

        Args:
            number: Of the hook in the configuration, from 1.
            config: What is run, and when.
            counter: Counts, and logs what fails.
        """
        self.config = config
        what = PurePath(config.command[0]).name if config.command else redact(config.url or "")
        self._name, self._thread_name = f"hook {number} ({what})", f"hook-{number}"
        self._counter = counter
        self._waiting: deque[FaceEvent] = deque()
        self._changed = threading.Condition()
        self._busy = self._finished = False
        self._thread: threading.Thread | None = None
        self._cancel: int | None = None
        """Readable once nothing is waited for any more; None without a thread, and once it has ended."""

    def add(self, event: FaceEvent) -> None:
        """Have the hook run for an event, if it is one of its kind. Never waits."""
        if event.type != self.config.on or self.config.emotion not in (None, event.emotion):
            return
        with self._changed:
            if self._finished or not self._start():
                return
            full = len(self._waiting) >= MOST_WAITING
            if full:
                self._waiting.popleft()
            self._waiting.append(event)
            self._changed.notify_all()
        if full:
            self._counter.drop(self._name)

    def _start(self) -> bool:
        """Start the thread, if there is none; return whether there is one now."""
        if self._thread is None:
            try:
                self._thread, self._cancel = start_thread(self._run, self._thread_name)
            except HookFailureError as error:
                self._counter.fail(self._name, str(error))
        return self._thread is not None

    @property
    def idle(self) -> bool:
        """Whether every event is done."""
        with self._changed:
            return not self._busy and not self._waiting

    def finish(self) -> None:
        """Take no more events; what waits is done in the background."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Drop what waits, and kill what runs."""
        with self._changed:
            dropped = len(self._waiting)
            self._waiting.clear()
            if self._cancel is not None:
                os.eventfd_write(self._cancel, 1)
        self._counter.drop(self._name, dropped, slow=False)

    def join(self, until_s: float) -> None:
        """Wait for the thread's end, at most until then."""
        if self._thread is not None:
            self._thread.join(max(0.0, until_s - time.monotonic()))

    @property
    def ended(self) -> bool:
        """Whether there is no thread, or none any more."""
        return self._thread is None or not self._thread.is_alive()

    def _run(self, cancel: int) -> None:
        while (event := self._next()) is not None:
            try:
                self._run_for(event, cancel)
            except HookFailureError as error:
                self._counter.fail(self._name, str(error))
            else:
                self._counter.succeed(self._name)
        with self._changed:
            self._cancel = None
            os.close(cancel)

    def _next(self) -> FaceEvent | None:
        """Return the next event; None after the last."""
        with self._changed:
            self._busy = False
            self._changed.wait_for(lambda: self._waiting or self._finished)
            self._busy = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _run_for(self, event: FaceEvent, cancel: int) -> None:
        text = event.to_json().encode()
        if self.config.command:
            run_command(self.config.command, text, self.config.timeout_s, cancel)
        elif self.config.url:
            post(self.config.url, text, self.config.timeout_s, cancel)
