"""Events in a CSV file: one row each, with every field of the payload."""

from __future__ import annotations

import csv
import io
import json
import logging
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from edge.errors import ConfigError
from edge.files import open_regular
from edge.watch.csv_file import CsvFile, header, problem
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

_FIRST = header(COLUMNS)


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
        # Spreadsheets put a byte-order mark before a CSV file that they save.
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
            if file.readline(len(_FIRST)) != _FIRST.decode():
                raise ConfigError(problem(path, "does not begin with a record's header; 'watch --record' writes one"))
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
        raise ConfigError(problem(path, f"cannot be read: {error.strerror}")) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(problem(path, f"is no record: {error}")) from None


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
