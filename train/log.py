"""The log of a run: its curves, a row for each epoch."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from edge.files import write_atomically
from edge.text import first_line
from train.datasets import DataError

if TYPE_CHECKING:
    from pathlib import Path

LOG = "log.csv"
"""One row per epoch, in the run's folder."""


def drop_unfinished(log: Path, finished: int) -> None:
    """Take out of a log what a resumed run writes again: epochs without a checkpoint, and a row that was cut off."""
    if not log.exists():
        return
    lines = log.read_bytes().splitlines(keepends=True)
    epochs = (line.partition(b",")[0] for line in lines)
    kept = [
        line
        for line, epoch in zip(lines, epochs, strict=True)
        if line.endswith(b"\n") and not (epoch.isdigit() and int(epoch) >= finished)
    ]
    if kept != lines:
        write_atomically(log, b"".join(kept))


def read_log(folder: Path) -> dict[str, list[float]]:
    """Return a run's curves: a list per column, one value per epoch.

    An epoch that an older version ran twice, because the run was interrupted before its checkpoint, counts once.

    Raises:
        DataError: A row is damaged.
        OSError: There is no log.
    """
    path = folder / LOG
    rows: dict[int, list[float]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        try:
            header = next(reader, ["epoch"])  # the first epoch of a run may not have ended
            # A run that an older version began has no name for the time, which is the last value.
            widths = {len(header), len(header) + ("wall_s" not in header)}
            for row in reader:
                _check_row(row, header, widths)
                rows[int(row[0])] = [float(value) for value in row]
        except (ValueError, csv.Error) as error:
            message = f"{path}: line {reader.line_num} is damaged: {first_line(error)}; write --fresh to start over"
            raise DataError(message) from error
    return {name: [rows[epoch][column] for epoch in sorted(rows)] for column, name in enumerate(header)}


def _check_row(row: list[str], header: list[str], widths: set[int]) -> None:
    if header[:1] != ["epoch"] or len(row) not in widths:
        message = f"it has {len(row)} values, and the first line names {len(header)}"
        raise ValueError(message)
