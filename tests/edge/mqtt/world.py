"""An outbox's queue and its disk, with injected clocks, through lives that end in crashes and power cuts."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from edge.config import OutboxConfig
from edge.mqtt.outbox.ages import Ages
from edge.mqtt.outbox.lines import Earlier
from edge.mqtt.outbox.outbox_file import OutboxFile
from edge.mqtt.outbox.queue import EventQueue
from edge.mqtt.outbox.writer import AFTER_S, Writer

if TYPE_CHECKING:
    from pathlib import Path


HOUR_S = 3600.0


class World:
    """A machine's clocks, and one life after the other of an outbox on its disk."""

    def __init__(self, path: Path, destination: str = "mqtt://here:1883/emotion-edge/test", **bounds: Any) -> None:
        self.path, self.destination = path, destination
        self.now, self.wall = 1000.0, 1_800_000_000.0
        self.boot = "first boot"
        self.synchronised: bool | None = True
        self._bounds = OutboxConfig(**bounds)
        self.live()

    def live(self, *, read: bool = True) -> None:
        """Begin a life, and read what the earlier ones left."""

        def clock() -> float:
            return self.now

        self.queue = EventQueue(self._bounds, clock, Earlier.UNREAD)
        self.file = OutboxFile(self.queue, self.path, self.destination, clock)
        ages = Ages(clock, lambda: self.wall, self.boot, lambda: self.synchronised)
        self.writer = Writer(self.queue, self.file, ages, clock)
        self.file.open()
        file = self.file
        while read and ((file.unread and file.is_open) or (file.failed and not file.wait_s)):
            self.writer.step()

    def add(self, *payloads: str) -> None:
        for payload in payloads:
            self.queue.add(payload, self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, in which the thread does what is due."""
        self.now += seconds
        self.wall += seconds
        self.writer.step()

    def crash(self) -> None:
        """End this life without a word, and begin the next."""
        self.file.abandon()  # as the kernel closes what a killed process had open
        self.live()

    def restart(self, destination: str = "") -> None:
        self.writer.finish()
        self.destination = destination or self.destination
        self.live()

    def reboot(self, off_s: float, wall_error_s: float = 0.0) -> None:
        """Cut the power; afterwards the monotonic clock begins anew, and the wall clock may be wrong."""
        self.now, self.wall, self.boot = 5.0, self.wall + off_s + wall_error_s, self.boot + "+"
        self.crash()

    @property
    def depth(self) -> int:
        return self.queue.status.depth

    @property
    def dropped(self) -> int:
        return self.queue.status.dropped

    @property
    def saved(self) -> bool:
        """Whether nothing is in memory alone."""
        return self.queue.task(AFTER_S, 0).oldest_unsaved_s is None and not self.queue.task(0, 1).save

    def drain(self) -> list[str]:
        """Return everything that waits, as a broker that is back gets it."""
        got: list[str] = []
        self.queue.rewind()
        while self.depth:
            self.writer.step()
            entries = self.queue.take()
            assert entries, "nothing comes although events wait"
            for entry in entries:
                got.append(entry.payload)
                assert self.queue.acknowledge(entry.sequence) == entry
        return got


def destroy_page(path: Path, within: bytes) -> None:
    """Overwrite the page of the file that holds this text."""
    content = bytearray(path.read_bytes())
    begin = content.index(within) // 4096 * 4096
    content[begin : begin + 4096] = b"\xff" * 4096
    path.write_bytes(content)


def destroy_page_of(path: Path, name: str) -> None:
    """Overwrite the only page of a table or an index."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
