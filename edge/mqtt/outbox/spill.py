"""Moves between the outbox and the disk: what waits goes there, what is sent next comes back."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge.mqtt.outbox.database import Store
from edge.mqtt.outbox.errors import DamagedError, FullError, StoreError, set_aside
from edge.mqtt.outbox.queue import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.mqtt.outbox.queue import Outbox

_LOG = logging.getLogger(__name__)

AFTER_S = 0.5
"""Seconds unacknowledged after which an event goes to the disk. The rest of the promised second is for the sync: up to
0.86 s were seen on a disk that four other programs were writing to as fast as they could, a few milliseconds else."""

_ERASE_S = 1.0
"""Seconds that rows nobody needs may stay, so that many go in one write."""

_RETRY_S = 0.2, 5.0
"""Seconds before the first and between later attempts on a disk that fails; twice as long each time in between."""

_IDLE_S = 60.0
"""Longest sleep while something is on the disk, for what grows too old there."""

_BATCH = 2000
"""Events in one write."""

_DOUBT_S = 3600.0
"""A wall clock may be wrong by this much, across a boot, before anything fresh is dropped."""


def boot_id() -> str:
    """Give what names this boot of the machine; monotonic clocks of two boots have nothing in common."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"unknown since {time.time_ns()}"  # no two alike: the wall clock decides


class Spill:
    """A thread of its own that waits for the disk, so that nobody else does.

    How old an event is never depends on the wall clock while the machine runs: rows
    carry the boot and its monotonic clock, which a restarted daemon shares. Only for rows of an
    earlier boot the wall clock must do, as that boot knew it last (when the network's time had come, say) and
    less an hour of doubt: a clock that went back makes them younger, one that jumped ahead by an hour drops none.

    Example:
        >>> spill = Spill(outbox, path)
        >>> spill.start()
        >>> spill.close()
    """

    def __init__(
        self, outbox: Outbox, path: Path, *, wall: Callable[[], float] = time.time, boot: str | None = None
    ) -> None:
        """Prepare; `start` begins.

        Args:
            outbox: What is saved. Its clock must be the machine's monotonic one.
            path: The file; made when the first event has to wait.
            wall: Seconds of the wall clock, which may jump.
            boot: Names this boot of the machine.
        """
        self._outbox = outbox
        self._path = path
        self._wall = wall
        self._boot = boot or boot_id()
        self._store: Store | None = None
        self._offset: int | None = None  # id of a row, less the sequence of its event
        self._told: str | None = None
        self._retry_s = self._erase_s = self._replaced_s = float("-inf")
        self._patience_s = _RETRY_S[0]
        self._ring = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin; nothing is sent before what an earlier life left was found."""
        self._outbox.hold()
        self._outbox.on_change = self._ring.set
        self._thread.start()

    def close(self, timeout_s: float = 3.0) -> None:
        """Save whatever waits, and end. Safe to call twice, and without a start."""
        self._closing.set()
        self._ring.set()
        if self._thread.ident:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        self.begin()
        while not self._closing.is_set():
            self._ring.wait(self.step())
            self._ring.clear()
        self.finish()

    def begin(self) -> None:
        """Find what an earlier life left; a file that is not there is not made."""
        if os.path.exists(self._path):  # noqa: PTH110  # which takes a forbidden folder for a missing file
            self._try(self._open)
        self._outbox.adopt({})  # which lets the events go where the file could not be read

    def finish(self) -> None:
        """Save everything that waits, however short, and let go of the file."""
        self._retry_s = float("-inf")
        failures = 0
        while failures < 2 and self._outbox.unsaved(0, 1):  # a damaged file makes room for a new one
            failures += not self._try(lambda: self._save(0))
        if self._store and self._outbox.obsolete:
            self._try(lambda: self._save(0))
        if self._store:
            self._store.close()
            self._store = None

    def step(self) -> float | None:
        """Do what is due; gives the seconds until there is more, None for until the outbox changes."""
        now = self._outbox.clock()
        if self._outbox.wanted() and (self._store or now >= self._retry_s):
            self._try(self._load)
        due = self._outbox.unsaved(AFTER_S, 1) or (self._outbox.obsolete and now >= self._erase_s)
        if due and now >= self._retry_s:
            # Those that will be due in a moment come along: fewer writes.
            self._try(lambda: self._save(AFTER_S / 2))
        return self._sleep_s()

    def _sleep_s(self) -> float | None:
        now = self._outbox.clock()
        oldest = self._outbox.oldest_unsaved_s
        times = [] if oldest is None else [oldest + AFTER_S]
        if self._outbox.wanted():
            times.append(now)
        if self._outbox.obsolete:
            times.append(self._erase_s)
        if self._store:
            times.append(now + _IDLE_S)
        return max(0.0, min(times) - now, self._retry_s - now) if times else None

    def _save(self, waited_s: float) -> None:
        store = self._store or self._open()
        offset = self._offset or 0
        entries = self._outbox.unsaved(waited_s, _BATCH)
        obsolete = self._outbox.obsolete
        now = self._outbox.clock()
        store.write(
            [(entry.sequence + offset, entry.added_s, entry.payload) for entry in entries],
            [sequence + offset for sequence in obsolete],
            boot=self._boot,
            wall_s=self._wall() - now,
        )
        self._outbox.erased(obsolete)
        self._outbox.saved(entries)
        if self._told:
            self._told = None
            _LOG.info("outbox %s: works again", self._path)
        self._erase_s = now + _ERASE_S

    def _load(self) -> None:
        store = self._store or self._open()
        offset = self._offset or 0
        wanted = self._outbox.wanted()
        found = store.read(sequence + offset for sequence in wanted)
        self._outbox.load(
            Entry(sequence, found[sequence + offset], added_s, added_s)
            for sequence, added_s in wanted.items()
            if sequence + offset in found
        )
        if broken := [sequence for sequence in wanted if sequence + offset not in found]:
            lost = self._outbox.lose(broken)
            _LOG.warning("outbox %s: %d events are damaged and lost", self._path, lost)

    def _open(self) -> Store:
        store = Store.open(self._path)
        try:
            rows, walls = store.rows()
        except StoreError:
            store.abandon()
            raise
        self._store = store
        if self._offset is None:
            self._offset = rows[-1].id + 1 if rows else 0
            now = self._outbox.clock()
            ages = {row.boot: self._aged_s(row.boot, walls[row.boot], now) for row in rows}
            self._outbox.adopt({row.id - self._offset: min(now, row.added_s + ages[row.boot]) for row in rows})
            if rows:
                _LOG.info("%d events wait since before the start", len(rows))
        elif lost := self._outbox.confirm({row.id - self._offset for row in rows}):
            _LOG.warning("outbox %s: %d events were there and are no longer", self._path, lost)
        return store

    def _aged_s(self, boot: str, wall_s: float, now: float) -> float:
        """Give what turns the monotonic clock of a boot into this one's."""
        if boot == self._boot:
            return 0.0
        # This boot's clock showed 0 so many seconds later than that one's, if the wall clock is right.
        return -(self._wall() - now - wall_s) + _DOUBT_S

    def _try(self, what: Callable[[], object]) -> bool:
        """Do something with the file, and say once what keeps failing."""
        try:
            what()
        except DamagedError as error:
            self._replace(error)
        except StoreError as error:
            self._fail(error)
        else:
            self._patience_s = _RETRY_S[0]
            return True
        return False

    def _replace(self, damage: DamagedError) -> None:
        if self._store:
            self._store.abandon()
            self._store = None
        now = self._outbox.clock()
        if now - self._replaced_s < _RETRY_S[1]:  # a disk that damages every file
            self._retry_s = now + _RETRY_S[1]
        self._replaced_s = now
        try:
            aside = set_aside(self._path)
        except StoreError as error:
            self._fail(error)
            return
        lost = self._outbox.confirm(())
        lost_too = f", {lost} events with it" if lost else ""
        _LOG.warning("outbox %s: damaged (%s); set aside as %s%s", self._path, damage, aside.name, lost_too)

    def _fail(self, error: StoreError) -> None:
        if self._store and not isinstance(error, FullError):
            self._store.abandon()  # what it knows of the file may be wrong by now
            self._store = None
        self._retry_s = self._outbox.clock() + self._patience_s
        self._patience_s = min(2 * self._patience_s, _RETRY_S[1])
        if str(error) != self._told:
            self._told = str(error)
            _LOG.warning("outbox %s: %s; events are kept in memory, trying again", self._path, error)
