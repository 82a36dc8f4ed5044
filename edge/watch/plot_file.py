"""The plot of the timelines: the file it goes to, and the record it may be drawn from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge import files
from edge.errors import ConfigError, OutputError
from edge.system.packages import pip_install
from edge.watch.losses import LossCounter
from edge.watch.record import read
from edge.watch.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class PlotFile:
    """A PNG file that will be written at the end, checked at the beginning."""

    def __init__(self, path: Path) -> None:
        """Check that it can be written.

        Raises:
            ConfigError: matplotlib is not installed.
            OutputError: Its name does not end in ``.png``, or it cannot be written there.
        """
        try:
            from edge.watch import plot  # noqa: PLC0415  # a Pi has no matplotlib
        except ImportError as error:
            message = f"--plot needs matplotlib ({error}): {pip_install('matplotlib>=3.9')}"
            raise ConfigError(message) from None
        self._plot, self._path = plot, path
        files.check_png_writable(path)

    def write(self, timelines: Mapping[str, Timeline], end: datetime) -> None:
        """Write the timelines' plot, in this machine's time zone.

        Raises:
            OutputError: Nothing was received, or the disk is full.
        """
        if not any(line.begin for line in timelines.values()):
            message = f"{self._path}: there is nothing to plot: no message was received"
            raise OutputError(message)
        files.write_atomically(self._path, self._plot.draw(timelines, end, None))


def replay(record: Path, device: str) -> tuple[dict[str, Timeline], datetime]:
    """Return the timelines in a record, by device, and the time of its last event.

    Args:
        record: What ``watch --record`` wrote.
        device: One device's name, or ``+`` for all.

    Raises:
        ConfigError: It cannot be read, or is no record.
    """
    timelines: dict[str, Timeline] = {}
    counts: dict[str, LossCounter] = {}
    end = datetime.min.replace(tzinfo=UTC)
    for event in read(record):
        if device not in ("+", event.device):
            continue
        lost = counts.setdefault(event.device, LossCounter()).count(event.session, event.sequence)
        if lost is not None:
            timelines.setdefault(event.device, Timeline()).event(event, lost)
            end = max(end, event.captured_at)
    return timelines, end
