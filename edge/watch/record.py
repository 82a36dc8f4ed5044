"""Events in a CSV file: one row each, with every field of the payload."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import logging
import os
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from edge.errors import ConfigError, OutputError
from edge.files import open_regular
from edge.watch.plausible import plausible
from edge.wire.messages import FaceEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

COLUMNS = (
    "captured_at", "device", "session", "sequence", "type", "face.id", "emotion", "confidence", "previous", "lasted_s",
    "face.box.x", "face.box.y", "face.box.width", "face.box.height", "face.frame.width", "face.frame.height",
    "synthetic", "probabilities", "schema",
)  # fmt: skip
"""Paths into the payload, as `pandas.json_normalize` names them; probabilities are JSON, their labels the model's."""

_HEADER = (",".join(COLUMNS) + "\n").encode()


class Recorder:
    """Appends events to a file, each row whole or not at all.

    Example:
        >>> with Recorder(Path("events.csv")) as recorder:
        ...     recorder.write(event)
    """

    def __init__(self, path: Path) -> None:
        """Open the file, a new one or one that an earlier recorder left.

        Raises:
            OutputError: It cannot be written, holds something else, or another recorder writes to it.
        """
        self._path = path
        try:
            if path.exists() and not path.is_file():
                raise OutputError(_problem(path, "is no file; name a new one or an earlier record"))
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._resume()
            except BaseException:
                os.close(self._file)
                raise
        except OSError as error:
            raise OutputError(_problem(path, f"cannot be written: {error.strerror}")) from None

    def write(self, event: FaceEvent) -> None:
        """Append a row, visible at once to other readers of the file.

        Raises:
            OutputError: The disk is full, or gone.
        """
        self._append(_row(event))

    def close(self) -> None:
        """Sync and close the file."""
        with contextlib.suppress(OSError):  # a file system that cannot sync has written
            os.fsync(self._file)
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _resume(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(_problem(self._path, "another watch records into it; name another file")) from None
        self._end = os.fstat(self._file).st_size
        there = os.pread(self._file, len(_HEADER), 0)
        if there != _HEADER[: len(there)]:
            raise OutputError(_problem(self._path, "does not begin with a record's header; name another file"))
        if len(there) < len(_HEADER):
            self._end = 0
            self._append(_HEADER)
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

    def _append(self, row: bytes) -> None:
        try:
            done = 0
            while done < len(row):
                done += os.pwrite(self._file, row[done:], self._end + done)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise OutputError(_problem(self._path, f"cannot be written: {error.strerror}")) from None
        self._end += len(row)


def read(path: Path) -> Iterator[FaceEvent]:
    """Yield the events of a record, in the order of its rows.

    Raises:
        ConfigError: It cannot be read, or is no record.
    """
    try:
        # Spreadsheets put a byte-order mark before a CSV file that they save.
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
            if file.readline(len(_HEADER)) != _HEADER.decode():
                raise ConfigError(_problem(path, "does not begin with a record's header; 'watch --record' writes one"))
            rows = csv.DictReader(file, COLUMNS)
            for row in rows:
                try:
                    event = _event(row)
                except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
                    event = None
                if event and plausible(event):
                    yield event
                else:
                    log.warning("%s: line %d is no event and is skipped", path, rows.line_num + 1)
    except OSError as error:
        raise ConfigError(_problem(path, f"cannot be read: {error.strerror}")) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(_problem(path, f"is no record: {error}")) from None


def _row(event: FaceEvent) -> bytes:
    cells: dict[str, Any] = {}
    for name, value in json.loads(event.to_json()).items():
        if name == "face":
            cells |= {"face.id": value["id"]}
            cells |= {f"face.{part}.{key}": each for part in ("box", "frame") for key, each in value[part].items()}
        else:
            cells[name] = value if isinstance(value, str) else json.dumps(value)
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerow(cells)
    # A line end in a name would count as a row's end when an incomplete row is removed.
    return (" ".join(text.getvalue().splitlines()) + "\n").encode()


def _event(row: dict[str, str]) -> FaceEvent:
    content: dict[str, Any] = {}
    for name, cell in row.items():
        if not cell:
            continue
        *parts, last = name.split(".")
        inner = content
        for part in parts:
            inner = inner.setdefault(part, {})
        inner[last] = json.loads(cell) if name in ("probabilities", "synthetic", "schema") else cell
    return FaceEvent.model_validate(content)


def _problem(path: Path, what: str) -> str:
    return f"{path}: {what}"
