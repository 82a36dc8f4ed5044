"""An outbox and its disk, with injected clocks, through lives that end in crashes and power cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.config import OutboxConfig
from edge.mqtt import Outbox
from edge.mqtt.outbox.spill import Spill

if TYPE_CHECKING:
    from pathlib import Path


HOUR_S = 3600.0


class World:
    """A machine's clocks, and one life after the other of an outbox on its disk."""

    def __init__(self, path: Path, **bounds: Any) -> None:
        self.path = path
        self.now, self.wall = 1000.0, 1_800_000_000.0
        self.boot = "first boot"
        self._bounds = OutboxConfig(**bounds)
        self.outbox, self.spill = self._live()

    def _live(self) -> tuple[Outbox, Spill]:
        outbox = Outbox(self._bounds, lambda: self.now)
        spill = Spill(outbox, self.path, wall=lambda: self.wall, boot=self.boot)
        return outbox, spill

    def add(self, *payloads: str) -> None:
        for payload in payloads:
            self.outbox.add(payload, self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, in which the thread does what is due."""
        self.now += seconds
        self.wall += seconds
        self.spill.step()

    def crash(self) -> None:
        """End this life without a word, and begin the next."""
        if self.spill._store:  # noqa: SLF001  # as the kernel closes what a killed process had open
            self.spill._store.abandon()  # noqa: SLF001
        self.outbox, self.spill = self._live()
        self.spill.begin()

    def restart(self) -> None:
        self.spill.finish()
        self.crash()

    def reboot(self, off_s: float, wall_error_s: float = 0.0) -> None:
        """Cut the power; afterwards the monotonic clock begins anew, and the wall clock may be wrong."""
        self.now, self.wall, self.boot = 5.0, self.wall + off_s + wall_error_s, self.boot + "+"
        self.crash()

    def drain(self) -> list[str]:
        """Return everything that waits, as a broker that is back gets it."""
        got: list[str] = []
        self.outbox.rewind()
        while self.outbox.depth:
            self.spill.step()
            entries = self.outbox.take()
            assert entries, "nothing comes although events wait"
            for entry in entries:
                got.append(entry.payload)
                assert self.outbox.acknowledge(entry.sequence) == entry
        return got
