"""The database over its life: opened when it is needed, tried again when it fails, set aside when it is damaged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.logs import LogOnce
from edge.mqtt.outbox.database import Database, Interference
from edge.mqtt.outbox.database_files import remove_old
from edge.mqtt.outbox.errors import DamagedError, FullError, StoreError, UnfitError
from edge.mqtt.outbox.lines import Earlier
from edge.mqtt.outbox.rescue import finish, is_unfinished, remove_half, rescue, salvage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.mqtt.outbox.queue import EventQueue
    from edge.mqtt.outbox.rows import Copied

log = logging.getLogger(__name__)

_RETRY_S = 0.2, 5.0
"""Seconds before the first and between later attempts on a disk that fails; twice as long each time in between."""

_TIDY_S = 30.0
"""Between two looks at what may go from the disk. Each may empty the log, which writes some pages: 6 % more where every
event is acknowledged too late, an event each 4 s; each 5 s it would be 39 %."""

_FAILS = "fails"


class OutboxFile:
    """Runs operations on the database, and copes with a file that fails. What waits is in memory meanwhile."""

    def __init__(self, queue: EventQueue, path: Path, destination: str, clock: Callable[[], float]) -> None:
        """Prepare; `open` begins.

        Args:
            queue: Is told what a file lost.
            path: The file, no link.
            destination: What the events are for, as `destination` returns it.
            clock: The machine's monotonic clock.
        """
        self.path, self.destination = path, destination
        self.first_id = 0
        """The id of this session's first event; lower ones are of earlier sessions."""
        self.read_id = -1
        """The id of the last event of an earlier session that is in line."""
        self.failed = False
        """Whether the file is to be opened again, whatever there is to do with it."""
        self._queue, self._clock = queue, clock
        self._database: Database | None = None
        self._found = False  # whether it is known what earlier sessions left
        self._problems = LogOnce(log)
        self._retry_s = self._replaced_s = float("-inf")
        self._patience_s = _RETRY_S[0]
        self._tidy_s = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether the database is open."""
        return self._database is not None

    @property
    def unread(self) -> bool:
        """Whether some of what earlier sessions left, as far as that is known, is not in line yet."""
        return self.read_id < self.first_id - 1

    @property
    def wait_s(self) -> float:
        """Seconds until a file that failed is tried again; 0: it may be used now."""
        return max(0.0, self._retry_s - self._clock())

    def open(self) -> None:
        """Open the file if there is one; one that is not there is not made. What fails is tried again later.

        Raises:
            UnfitError: It is not for us.
        """
        if _may_be_there(self.path) or is_unfinished(self.path):
            try:
                self._opened()
            except UnfitError:
                raise
            except DamagedError:
                self.failed = True  # to copy it takes long: that is for the thread that waits for the disk
            except StoreError as error:
                self._cope(error)
        if not self.unread:
            self._queue.adopt((), Earlier.READ)

    def run(self, operation: Callable[[Database], None]) -> bool:
        """Do something with the database, made or opened if it is not; return whether it went well."""
        try:
            operation(self._opened())
        except StoreError as error:
            self._cope(error)
            return False
        self._patience_s = _RETRY_S[0]
        return True

    def works(self) -> None:
        """Note that something was written."""
        if self._problems.forget(_FAILS):
            log.info("outbox %s: works again", self.path)

    def watch(self) -> None:
        """Look whether somebody else touched the file, and write again what can be."""
        database = self._database
        if not database or self.wait_s or (found := database.interference()) is Interference.NONE:
            return
        self._problems.warning(
            found.name, "outbox %s: %s while it was in use; what waits is written again", self.path, found.value
        )
        if found is Interference.CHANGED:
            database.abandon_changed()
        else:
            try:
                lost = self._lose(rescue(database, self.path, self.destination))
            except FullError as error:
                self._cope(error)
                return
            if lost:
                log.warning("outbox %s: %d events were damaged and are lost", self.path, lost)
        self._database = None
        self.run(lambda _: None)

    def tidy(self) -> None:
        """Take from the disk what may go: events that were deleted, and what was set aside once it is too old."""
        now = self._clock()
        if now < self._tidy_s:
            return
        self._tidy_s = now + _TIDY_S
        remove_old(self.path, self._queue.max_age_s)
        if self._database and not self.wait_s:
            remove_half(self.path)
            try:
                self._database.forget_deleted()
            except StoreError as error:
                self._cope(error)

    def retry_now(self) -> None:
        """Have a file that failed tried again at once."""
        self._retry_s = float("-inf")

    def close(self) -> None:
        """Release the file in good order."""
        if self._database:
            self._database.close()
            self._database = None

    def abandon(self) -> None:
        """Release the file as it is, as the kernel does for a process that is killed."""
        if self._database:
            self._database.abandon()
            self._database = None

    def _opened(self) -> Database:
        if self._database:
            return self._database
        finish(self.path)
        database = Database.open(self.path, self.destination)
        try:
            if self._found:
                self._reconcile(database)
            else:
                self.first_id = database.highest_id() + 1
                self._found = True
        except StoreError:
            database.abandon()
            raise
        self._database, self.failed = database, False
        return database

    def _reconcile(self, database: Database) -> None:
        """Compare a file that was opened again with what should be in it."""
        database.check()
        known = (number for number in database.ids() if number <= self.read_id or number >= self.first_id)
        if lost := self._queue.reconcile({number - self.first_id for number in known}):
            log.warning("outbox %s: %d events were there and are no longer", self.path, lost)

    def _cope(self, error: StoreError) -> None:
        """Begin anew instead of a damaged file; try any other again later."""
        if isinstance(error, DamagedError):
            self._replace(error)
        else:
            self._fail(error)

    def _replace(self, damage: DamagedError) -> None:
        self.abandon()
        now = self._clock()
        if now - self._replaced_s < _RETRY_S[1]:  # a disk that damages every file
            self._retry_s = now + _RETRY_S[1]
        self._replaced_s = now
        try:
            aside, copied = salvage(self.path, self.destination)
        except StoreError as error:
            self._fail(error)
            return
        self.failed = True
        kept = f"; {len(copied.saved)} are kept" if copied.saved else ""
        lost = self._lose(copied)
        lost_too = f", {lost} events with it" if lost else ""
        log.warning("outbox %s: damaged (%s); set aside as %s%s%s", self.path, damage, aside.name, lost_too, kept)

    def _lose(self, copied: Copied) -> int:
        """Count what is not in the file that was written instead; return how many events that is."""
        if not self._found:
            return self._queue.lose(len(copied.lost))
        unread = range(self.read_id + 1, self.first_id)
        lost = sum(number in unread for number in copied.lost) if copied.saved else len(unread)  # at most
        in_line = {number - self.first_id for number in copied.saved if number not in unread}
        return self._queue.lose(lost) + self._queue.reconcile(in_line)

    def _fail(self, error: StoreError) -> None:
        if not isinstance(error, FullError):
            self.abandon()  # what it knows of the file may be wrong by now
        self.failed = not self.is_open
        self._retry_s = self._clock() + self._patience_s
        self._patience_s = min(2 * self._patience_s, _RETRY_S[1])
        self._problems.warning(_FAILS, "outbox %s: %s; events are kept in memory, trying again", self.path, error)


def _may_be_there(path: Path) -> bool:
    """Return whether a file is there, or nobody can tell: to open it says why."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True
