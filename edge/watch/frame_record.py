"""Frames in a CSV file: a row for each face of each frame, and one for a frame without faces."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from edge.watch.csv_file import CsvFile
from edge.watch.fleet import MOST_DEVICES
from edge.watch.losses import LossCounter
from edge.watch.plausible import plausible
from edge.watch.record import face_cells
from edge.wire.frame_message import FrameMessage

if TYPE_CHECKING:
    from pathlib import Path

    from edge.watch.fleet import Message

log = logging.getLogger(__name__)

COLUMNS = (
    "captured_at", "device", "session", "sequence", "skipped", "lost", "faces", "face.id", "emotion", "confidence",
    "face.box.x", "face.box.y", "face.box.width", "face.box.height", "face.frame.width", "face.frame.height",
    "synthetic", "probabilities", "schema",
)  # fmt: skip
"""`skipped` and `lost` are the captured frames right before this one that have no row: those that the device counted,
and the messages that did not arrive. `faces` is how many rows the frame has, 0 for one without a face."""


class FrameRecorder(CsvFile):
    """Appends the faces of frames to a file, all rows of a frame or none."""

    def __init__(self, path: Path) -> None:
        """Open the file, a new one or one that an earlier recorder left.

        Raises:
            OutputError: It cannot be written, holds something else, or another recorder writes to it.
        """
        super().__init__(path, COLUMNS)
        self._losses: dict[str, LossCounter] = {}
        self._skipped = self._invalid = self._ignored = 0

    def receive(self, message: Message) -> None:
        """Append the frame that a message holds, if it holds one that was not received before.

        Raises:
            OutputError: The disk is full, or gone.
        """
        if message.topic.rpartition("/")[2] != "frame":
            return
        try:
            frame = FrameMessage.model_validate_json(message.payload)
        except ValidationError:
            frame = None
        if frame is None or not plausible(frame):
            self._invalid += 1
            return
        if frame.device not in self._losses and len(self._losses) >= MOST_DEVICES:
            self._ignored += 1
            return
        lost = self._losses.setdefault(frame.device, LossCounter()).count(frame.session, frame.sequence)
        if lost is not None:
            self._skipped += frame.skipped
            self.append(_rows(frame, lost))

    @property
    def summary(self) -> str:
        """How many frames were recorded and how many were not, for a person."""
        received = sum(each.received for each in self._losses.values())
        lost = sum(each.lost for each in self._losses.values())
        text = f"{received:,} frames recorded, {lost:,} lost on the way, {self._skipped:,} skipped by the device"
        text += f", {self._invalid:,} messages were no frames" if self._invalid else ""
        return text + (f", {self._ignored:,} of further devices ignored" if self._ignored else "")

    def close(self) -> None:
        """Sync and close the file, and log the summary."""
        super().close()
        log.info("%s", self.summary)


def _rows(frame: FrameMessage, lost: int) -> list[dict[str, Any]]:
    content = json.loads(frame.to_json())
    faces, size = content.pop("faces"), content.pop("frame")
    shared = content | {"lost": lost, "faces": len(faces)}
    shared |= {f"face.frame.{key}": value for key, value in size.items()}
    if not faces:
        return [shared]
    return [
        shared
        | face_cells({"id": face.pop("id"), "box": face.pop("box"), "frame": size})
        | {name: face[name] for name in ("emotion", "confidence", "probabilities")}
        for face in faces
    ]
