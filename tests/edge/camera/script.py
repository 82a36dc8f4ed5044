"""A camera that does what the test wrote, and a clock that moves when the test says so."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import CameraConfig
from edge.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from edge.camera.supervisor import CameraSupervisor

    Supervise: TypeAlias = Callable[..., CameraSupervisor]

CONFIG = CameraConfig(stall_s=5, give_up_s=60)


class Clock:
    """Moves when somebody sleeps or the test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Script:
    """A camera that plays what the test wrote: "frame", "silence" until it is woken, or an error; then it ends."""

    name = "script"

    def __init__(self, *parts: Exception | str, live: bool = True, synthetic: bool = False) -> None:
        self.live = live
        self.synthetic = synthetic
        self.closed = False
        self.woken = threading.Event()
        self._parts = iter(parts)

    def read(self) -> Frame | None:
        part = next(self._parts, None)
        if isinstance(part, Exception):
            raise part
        if part == "silence":
            self.woken.wait()
            return None
        return Frame(np.zeros((4, 4), np.uint8), datetime.now(UTC), 0.0, 0) if part else None

    def close(self) -> None:
        self.closed = True


def frames(supervisor: CameraSupervisor, count: int) -> list[Frame]:
    """Take frames until there are `count`."""
    taken: list[Frame] = []
    for _ in range(1000):
        frame = supervisor.next_frame(0.1)
        if frame:
            taken.append(frame)
        if len(taken) == count:
            return taken
    pytest.fail(f"only {len(taken)} frames came")


def wait_for(supervisor: CameraSupervisor, status: str) -> None:
    """Let the supervisor work until it says so."""
    for _ in range(1000):
        assert supervisor.next_frame(0.01) is None
        if supervisor.status == status:
            return
    pytest.fail(f"it is {supervisor.status}")


def assert_is(supervisor: CameraSupervisor, status: str) -> None:
    assert supervisor.status == status
