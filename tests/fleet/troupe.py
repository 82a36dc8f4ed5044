"""The processes that play the devices, as one."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from typing import TYPE_CHECKING

from tests.fleet.worker import Cast, Leave, Look, work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from tests.fleet.worker import Order, Standing

_PATIENCE_S = 300.0
"""The longest that the fleet may take to come back."""


class Troupe:
    """Passes orders on, and adds up the answers."""

    def __init__(self, wires: list[Connection]) -> None:
        self._wires = wires

    def tell(self, order: Order) -> None:
        for wire in self._wires:
            wire.send(order)

    def standings(self) -> list[Standing]:
        self.tell(Look())
        return [wire.recv() for wire in self._wires]

    def cpu_s(self) -> float:
        return sum(standing.cpu_s for standing in self.standings())

    def waiting(self) -> int:
        """Return how many events wait in all outboxes."""
        return sum(standing.waiting for standing in self.standings())

    def wait_until_back(self) -> list[float]:
        """Wait until all are back who were away since the last `Watch`; give when each was, on the monotonic clock."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            standings = self.standings()
            away = sum(standing.away for standing in standings)
            if not away:
                return [seconds for standing in standings for seconds in standing.back_s]
            if time.monotonic() > until_s:
                waiting = sum(standing.waiting for standing in standings)
                mute = sum(standing.mute for standing in standings)
                what = f"{mute} are not connected, {waiting} events wait"
                message = f"{away} devices are not back after {_PATIENCE_S:g} s: {what}"
                raise TimeoutError(message)
            time.sleep(0.2)


@contextlib.contextmanager
def troupe(cast: Cast, per_process: int) -> Iterator[Troupe]:
    """Start the processes, each with some of the cast's devices; end them at last."""
    context = multiprocessing.get_context("spawn")  # a fork would share what threads hold
    wires, processes = [], []
    for first in range(0, len(cast.names), per_process):
        ours, theirs = context.Pipe()
        part = Cast(cast.url, cast.names[first : first + per_process], cast.part, cast.folder)
        process = context.Process(target=work, args=(part, theirs), daemon=True)
        process.start()
        theirs.close()
        wires.append(ours)
        processes.append(process)
    everybody = Troupe(wires)
    everybody.standings()  # everybody is there
    try:
        yield everybody
        everybody.tell(Leave())
        for process in processes:
            process.join(60)
    finally:
        for process, wire in zip(processes, wires, strict=True):
            process.kill()
            process.join()
            wire.close()
