"""A CSV file that rows are appended to, whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import logging
import os
from typing import TYPE_CHECKING, Any, Self

from edge.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)


class CsvFile:
    """Appends rows to a file, each row whole or not at all.

    Example:
        >>> with CsvFile(Path("events.csv"), ("captured_at", "emotion")) as file:
        ...     file.append([{"captured_at": "2026-11-22T03:14:06.000Z", "emotion": "happy"}])
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Open the file, a new one or one that was left with the same columns.

        Args:
            path: The file.
            columns: The names in its first line.

        Raises:
            OutputError: It cannot be written, holds something else, or another one writes to it.
        """
        self._path, self._columns = path, tuple(columns)
        try:
            if path.exists() and not path.is_file():
                raise OutputError(problem(path, "is no file; name a new one or an earlier record"))
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._resume()
            except BaseException:
                os.close(self._file)
                raise
        except OSError as error:
            raise OutputError(problem(path, f"cannot be written: {error.strerror}")) from None

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows, all or none, visible at once to other readers of the file.

        Args:
            rows: The cells of each by column: texts as they are, other values as JSON; missing ones stay empty.

        Raises:
            OutputError: The disk is full, or gone.
        """
        self._write(b"".join(self._line(row) for row in rows))

    def close(self) -> None:
        """Sync and close the file."""
        with contextlib.suppress(OSError):  # a file system that cannot sync has written
            os.fsync(self._file)
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _line(self, row: Mapping[str, Any]) -> bytes:
        cells = {name: value if isinstance(value, str) else json.dumps(value) for name, value in row.items()}
        text = io.StringIO()
        csv.DictWriter(text, self._columns, lineterminator="\n").writerow(cells)
        # A line end in a name would count as a row's end when an incomplete row is removed.
        return (" ".join(text.getvalue().splitlines()) + "\n").encode()

    def _resume(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(problem(self._path, "another watch records into it; name another file")) from None
        self._end = os.fstat(self._file).st_size
        first = header(self._columns)
        there = os.pread(self._file, len(first), 0)
        if there != first[: len(there)]:
            raise OutputError(problem(self._path, "does not begin with a record's header; name another file"))
        if len(there) < len(first):
            self._end = 0
            self._write(first)
            return
        complete = self._complete_end()
        if complete < self._end:
            log.warning("%s: its last row is incomplete and is removed", self._path)
            os.ftruncate(self._file, complete)
            self._end = complete

    def _complete_end(self) -> int:
        """Return the offset behind the last complete row."""
        at = self._end
        while at > 0:
            begin = max(0, at - 65536)
            newline = os.pread(self._file, at - begin, begin).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
            at = begin
        return 0

    def _write(self, rows: bytes) -> None:
        try:
            done = 0
            while done < len(rows):
                done += os.pwrite(self._file, rows[done:], self._end + done)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise OutputError(problem(self._path, f"cannot be written: {error.strerror}")) from None
        self._end += len(rows)


def header(columns: Sequence[str]) -> bytes:
    """Return the first line of a file with such columns."""
    return (",".join(columns) + "\n").encode()


def problem(path: Path, what: str) -> str:
    """Return the text of an error about a file."""
    return f"{path}: {what}"
