"""The outbox as the MQTT client sees it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ConfigError
from edge.mqtt.outbox.ages import Ages
from edge.mqtt.outbox.entry import WINDOW, Entry, OutboxStatus
from edge.mqtt.outbox.errors import UnfitError
from edge.mqtt.outbox.lines import Earlier
from edge.mqtt.outbox.outbox_file import OutboxFile
from edge.mqtt.outbox.queue import EventQueue
from edge.mqtt.outbox.writer import Writer
from edge.mqtt.outbox.writer_thread import Background, NoThread, WriterThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import OutboxConfig


class Outbox:
    """Keeps each event until the broker has acknowledged it: in memory, and on disk once it has waited for a second.

    Any thread may call any method, and none waits for the disk. Events are sent in the order in which they were added;
    what earlier sessions left comes first, and after a second on a connection takes turns with this session's.

    Example:
        >>> outbox = Outbox(settings.outbox, path, "mqtt://broker:1883/emotion-edge/kitchen")
        >>> outbox.add('{"type": "appeared", …}', captured_s=time.monotonic())
        >>> for entry in outbox.take():
        ...     broker.publish(entry.payload)
        ...     outbox.acknowledge(entry.sequence)
        >>> outbox.close()
    """

    def __init__(
        self,
        config: OutboxConfig,
        path: Path | None = None,
        destination: str = "",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Open the file, if there is one, and start the thread that writes it.

        Args:
            config: The bounds.
            path: The file, made when the first event has to wait; None: in memory alone.
            destination: Which broker and topic the events are for, as `destination` returns it. What waits for others
                stays in the file until the outbox is opened for them again, or it is too old.
            clock: The machine's monotonic clock, in seconds.
            wall: The wall clock, in seconds; it may jump.

        Raises:
            ConfigError: The file is not one for an outbox: no regular file, another program's, or made by a newer
                version. It is left as it is.
        """
        self._background: Background = NoThread()
        self._queue = EventQueue(config, clock, Earlier.UNREAD if path else Earlier.READ)
        if path:
            real = Path(os.path.realpath(path))  # SQLite puts its log beside the file that a link leads to
            file = OutboxFile(self._queue, real, destination, clock)
            try:
                file.open()
            except UnfitError as error:
                message = f"outbox {path}: {error}"
                raise ConfigError(message) from None
            thread = WriterThread(Writer(self._queue, file, Ages(clock, wall), clock))
            self._queue.on_task = thread.wake
            self._background = thread

    def call_when_ready(self, callback: Callable[[], None]) -> None:
        """Have this called, from any thread, whenever `take` may have more because it came from the disk."""
        self._queue.on_ready = callback

    def add(self, payload: str, captured_s: float) -> int:
        """Add an event as the newest; the oldest may have to go.

        Args:
            payload: Its JSON.
            captured_s: When its frame was captured, on the clock.

        Returns:
            Its sequence in this outbox.
        """
        return self._queue.add(payload, captured_s)

    def take(self, window: int = WINDOW) -> list[Entry]:
        """Return the events to be sent now, each once until `rewind`.

        Args:
            window: Events that may be sent but not acknowledged at once.
        """
        return self._queue.take(window)

    def acknowledge(self, sequence: int) -> Entry | None:
        """Remove an event that the broker has, and return it. None: it was dropped before."""
        return self._queue.acknowledge(sequence)

    def give_up(self, sequence: int) -> None:
        """Drop an event that was taken and that no broker takes as it is; it counts as dropped."""
        self._queue.give_up(sequence)

    def rewind(self) -> None:
        """Forget what was sent: a new connection sends everything unacknowledged again, in order."""
        self._queue.rewind()

    @property
    def status(self) -> OutboxStatus:
        """How many events wait, and how many are lost."""
        return self._queue.status

    def close(self) -> None:
        """Save whatever waits, within 3 s, and release the file. Safe to call twice."""
        self._background.close()
