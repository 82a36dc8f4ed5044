"""Moves events between memory and the disk: what waits goes there, what is sent next comes back."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from edge.mqtt.outbox.entry import Entry
from edge.mqtt.outbox.lines import Earlier
from edge.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.mqtt.outbox.ages import Ages
    from edge.mqtt.outbox.database import Database
    from edge.mqtt.outbox.outbox_file import OutboxFile
    from edge.mqtt.outbox.queue import EventQueue

log = logging.getLogger(__name__)

AFTER_S = 0.5
"""Seconds unacknowledged after which an event goes to the disk. The rest of the promised second is for the sync: up to
0.86 s were seen on a disk that four other programs were writing to as fast as they could, a few milliseconds else."""

UNSENT_S = 0.1
"""The same where nothing is on its way to a broker: no answer can come. In an emulated machine whose broker was away,
the first event after a boot was not on the disk 1.18 s after it was made when it waited for `AFTER_S`."""

_ERASE_S = 1.0
"""Seconds that rows nobody needs may stay, so that many go in one write."""

_WATCH_S = 5.0
"""Between two looks at an open file, whether somebody else touched it and whether something in it is too old."""

_IDLE_S = 60.0
"""Between two looks at what was set aside, while no file is open."""

_BATCH = 2000
"""Events in one write."""

_CHUNK = 5000
"""Events of earlier sessions read at once, which takes some milliseconds; new ones are saved in between."""


class Writer:
    """Does what the queue has for the disk, a step at a time. `WriterThread` calls it, so that nobody else waits."""

    def __init__(self, queue: EventQueue, file: OutboxFile, ages: Ages, clock: Callable[[], float]) -> None:
        """Prepare.

        Args:
            queue: What is saved.
            file: Where; it is open, or made when the first event has to wait.
            ages: Tells how old the events of earlier boots are.
            clock: The machine's monotonic clock, which the queue has too.
        """
        self._queue, self._file, self._ages, self._clock = queue, file, ages, clock
        self._erase_s = float("-inf")
        self._parked: Counter[str] = Counter()  # events by the other brokers that they are for

    def step(self) -> float:
        """Do what is due.

        Returns:
            Seconds until there may be more to do, unless the queue has something before.
        """
        file = self._file
        file.watch()
        after_s = self._after_s()
        task = self._queue.task(after_s, 1)
        if task.load and (file.is_open or not file.wait_s):
            file.run(self._load)
        due = task.save or (task.erase and self._clock() >= self._erase_s)
        if due and not file.wait_s:
            # Those that will be due in a moment come along: fewer writes.
            file.run(lambda database: self._save(database, after_s / 2))
        if file.failed and not file.wait_s:  # nothing was due: what is in the file counts all the same
            file.run(lambda _: None)
        if file.unread and not file.wait_s:
            file.run(self._read)
        file.tidy()
        return self._sleep_s()

    def finish(self) -> None:
        """Save everything that waits, however short, and release the file."""
        file, failures = self._file, 0
        file.retry_now()
        file.watch()
        while failures < 2 and self._queue.task(0, 1).save:  # a damaged file makes room for a new one
            failures += not file.run(lambda database: self._save(database, 0))
        if file.is_open and self._queue.task(0, 1).erase:
            file.run(lambda database: self._save(database, 0))
        file.close()
        if self._queue.task(0, 1).save:
            log.warning("outbox %s: events that wait in memory are lost, the file cannot be written", file.path)

    def _after_s(self) -> float:
        """Return the seconds that an event in memory may wait before it is saved."""
        return AFTER_S if self._queue.is_sending else UNSENT_S

    def _sleep_s(self) -> float:
        after_s = self._after_s()
        now, task = self._clock(), self._queue.task(after_s, 1)
        times = [now + (_WATCH_S if self._file.is_open else _IDLE_S)]
        if task.oldest_unsaved_s is not None:
            times.append(task.oldest_unsaved_s + after_s)
        if task.load or self._file.unread or self._file.failed:
            times.append(now)
        if task.erase:
            times.append(self._erase_s)
        return max(0.0, min(times) - now, self._file.wait_s)

    def _save(self, database: Database, waited_s: float) -> None:
        task, now, first_id = self._queue.task(waited_s, _BATCH), self._clock(), self._file.first_id
        database.write(
            [(entry.sequence + first_id, entry.added_s, entry.payload) for entry in task.save],
            [sequence + first_id for sequence in task.erase],
            boot=self._ages.boot,
            wall_s=self._ages.wall_s,
        )
        self._queue.saved(task.save, task.erase)
        self._file.works()
        self._erase_s = now + _ERASE_S

    def _load(self, database: Database) -> None:
        wanted, first_id = self._queue.task(0, 0).load, self._file.first_id
        found = database.read(sequence + first_id for sequence in wanted)
        entries = [
            Entry(sequence, found[sequence + first_id], added_s, added_s)
            for sequence, added_s in wanted.items()
            if sequence + first_id in found
        ]
        broken = [sequence for sequence in wanted if sequence + first_id not in found]
        if lost := self._queue.loaded(entries, broken):
            log.warning("outbox %s: %d events are damaged and lost", self._file.path, lost)

    def _read(self, database: Database) -> None:
        """Put some more of what earlier sessions left in line."""
        file = self._file
        rows = [row for row in database.events(file.read_id, _CHUNK) if row.id < file.first_id]
        complete, walls = len(rows) < _CHUNK, database.boots()
        self._parked.update(row.destination for row in rows if row.destination != file.destination)
        places = (
            (
                row.id - file.first_id,
                self._ages.added_s(row.boot, row.added_s, walls[row.boot]),
                row.destination == file.destination,
            )
            for row in rows
        )
        self._queue.adopt(places, Earlier.READ if complete else Earlier.UNREAD)
        file.read_id = file.first_id - 1 if complete else rows[-1].id
        if complete:
            file.works()
            self._log_what_waits()

    def _log_what_waits(self) -> None:
        if depth := self._queue.status.depth:
            log.info("%d events wait since before the start", depth)
        for name, count in self._parked.items():
            log.warning(
                "outbox %s: %d events wait for another broker (%s). They are sent once it is configured again, and "
                "dropped after outbox.max_age_h",
                self._file.path,
                count,
                redact(name.partition("#")[0]),
            )
