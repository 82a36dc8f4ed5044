"""Events in a CSV file: one row each, with every field of the payload."""

from __future__ import annotations

import csv
import json
import logging
from typing import TYPE_CHECKING, Any

from edge.errors import ConfigError
from edge.files import open_regular
from edge.watch.csv_file import CsvFile, header, problem
from edge.watch.plausible import plausible
from edge.wire.messages import FaceEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

log = logging.getLogger(__name__)

COLUMNS = (
    "captured_at", "device", "session", "sequence", "type", "face.id", "emotion", "confidence", "previous", "lasted_s",
    "face.box.x", "face.box.y", "face.box.width", "face.box.height", "face.frame.width", "face.frame.height",
    "synthetic", "probabilities", "schema",
)  # fmt: skip
"""Paths into the payload, as `pandas.json_normalize` names them; probabilities are JSON, their labels the model's."""

_FIRST = header(COLUMNS)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Spreadsheets put it before a CSV file that they save."""

_LONGEST_LINE = 2 << 20
"""Bytes of a row; a thousand probabilities with names of a hundred characters, each as two JSON escapes, are 1.2 MB."""


class Recorder(CsvFile):
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
        super().__init__(path, COLUMNS)

    def write(self, event: FaceEvent) -> None:
        """Append a row, visible at once to other readers of the file.

        Raises:
            OutputError: The disk is full, or gone.
        """
        content = json.loads(event.to_json())
        self.append([content | face_cells(content.pop("face"))])


def face_cells(face: dict[str, Any]) -> dict[str, Any]:
    """Return the cells of a face's id, box and frame."""
    cells: dict[str, Any] = {"face.id": face["id"]}
    return cells | {f"face.{part}.{key}": each for part in ("box", "frame") for key, each in face[part].items()}


def read(path: Path) -> Iterator[FaceEvent]:
    """Yield the events of a record, in the order of its rows.

    Raises:
        ConfigError: It cannot be read, or is no record.
    """
    try:
        with open_regular(path) as file:
            if file.readline(len(_BYTE_ORDER_MARK + _FIRST)).removeprefix(_BYTE_ORDER_MARK) != _FIRST:
                raise ConfigError(problem(path, "does not begin with a record's header; 'watch --record' writes one"))
            for number, line in enumerate(_lines(file), 2):
                event = _event(line)
                if event and plausible(event):
                    yield event
                elif line.strip():
                    log.warning("%s: line %d is no event and is skipped", path, number)
    except OSError as error:
        raise ConfigError(problem(path, f"cannot be read: {error.strerror}")) from None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of one that is too long for a row, only its beginning."""
    while line := file.readline(_LONGEST_LINE):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE)


def _cells(line: str) -> dict[str, str]:
    """Return a row's cells by column; there is none in an empty line."""
    usual = csv.field_size_limit(_LONGEST_LINE)  # 131,072 characters, for the whole process
    try:
        return next(csv.DictReader([line], COLUMNS), {})
    finally:
        csv.field_size_limit(usual)


def _event(line: bytes) -> FaceEvent | None:
    """Return the event in a line; None if there is none."""
    content: dict[str, Any] = {}
    try:
        for name, cell in _cells(line.decode()).items():
            if not cell:
                continue
            *parts, last = name.split(".")
            inner = content
            for part in parts:
                inner = inner.setdefault(part, {})
            inner[last] = json.loads(cell) if name in ("probabilities", "synthetic", "schema") else cell
        return FaceEvent.model_validate(content)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, csv.Error):
        return None
