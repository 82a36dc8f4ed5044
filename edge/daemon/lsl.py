"""The Lab Streaming Layer: each frame's probabilities as a stream, with the time of capture.

https://labstreaminglayer.readthedocs.io. Its clock is the machine's monotonic one, as that of a live camera's frames.
"""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Any, Protocol

from edge.errors import ConfigError
from edge.text import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edge.config import LslConfig
    from edge.frame import Frame
    from edge.pipeline import PresentFace, Snapshot

log = logging.getLogger(__name__)

STREAM_TYPE = "FacialExpression"
"""By which recorders find the stream."""

_CLOCK_TRIES = 10
"""Readings of both clocks, of which the closest counts: another process may come in between."""


class FrameOutlet(Protocol):
    """Where each frame's faces go."""

    def set_labels(self, labels: Sequence[str]) -> None:
        """Take another model's emotions."""

    def show(self, frame: Frame, snapshot: Callable[[], Snapshot | None], *, live: bool, synthetic: bool) -> None:
        """Send the faces of a processed frame."""


class NullOutlet:
    """Where no stream is wanted."""

    def set_labels(self, labels: Sequence[str]) -> None:
        """Do nothing."""

    def show(self, frame: Frame, snapshot: Callable[[], Snapshot | None], *, live: bool, synthetic: bool) -> None:
        """Do nothing."""


class Slots:
    """Assigns each face a place, which it keeps until it is gone."""

    def __init__(self, count: int) -> None:
        """Begin with all places free."""
        self._faces: list[int | None] = [None] * count

    def place(self, faces: Iterable[PresentFace]) -> list[PresentFace | None]:
        """Return who is at each place; who finds none free is left out until one is."""
        there = {face.face_id: face for face in faces}
        self._faces = [number if number in there else None for number in self._faces]
        for number in there:
            if number not in self._faces and None in self._faces:
                self._faces[self._faces.index(None)] = number
        return [there[number] if number is not None else None for number in self._faces]


class LslOutlet:
    """A stream of `float32`: for each place the face's id and its probabilities, NaN where nobody is.

    The stream opens with the first frame: only then is it known whether the test card draws it.
    """

    def __init__(self, config: LslConfig, device: str, source_id: str, labels: Sequence[str]) -> None:
        """Load the library.

        Args:
            config: How many faces at once.
            device: The device's name, part of the stream's.
            source_id: Of this device alone, so that a recorder finds the stream again after a restart.
            labels: The model's emotions.

        Raises:
            ConfigError: pylsl or its library is not there.
        """
        self._pylsl = load_pylsl()
        self._config, self._device, self._source_id = config, device, source_id
        self._labels = tuple(labels)
        self._slots = Slots(config.slots)
        self._stream: Any = None
        self._synthetic = False
        self._offset_s = 0.0
        """From a frame's time to LSL's."""

    def set_labels(self, labels: Sequence[str]) -> None:
        """Take another model's emotions: the stream has other channels then, and opens anew."""
        if tuple(labels) != self._labels:
            self._labels, self._stream = tuple(labels), None

    def show(self, frame: Frame, snapshot: Callable[[], Snapshot | None], *, live: bool, synthetic: bool) -> None:
        """Send the faces of a processed frame; costs little while nobody listens.

        Args:
            frame: What was processed.
            snapshot: Returns everybody who is there as of that frame.
            live: Whether the frame's time is on the machine's clock; a clip's begins with its first frame.
            synthetic: Whether the test card drew it.
        """
        if self._stream is None or synthetic != self._synthetic:
            self._synthetic = synthetic
            self._open(frame, live=live)
        if not self._stream.have_consumers():
            return
        there = snapshot()
        visible = [face for face in there.faces if face.visible] if there else []
        sample: list[float] = []
        for face in self._slots.place(visible):
            if face is None:
                sample += [math.nan] * (1 + len(self._labels))
            else:
                sample += [face.face_id, *(face.probabilities.get(label, math.nan) for label in self._labels)]
        self._stream.push_sample(sample, frame.time_s + self._offset_s)

    def _open(self, frame: Frame, *, live: bool) -> None:
        self._offset_s = self._clock_offset_s() if live else self._pylsl.local_clock() - frame.time_s
        channels = [f"slot{slot} {name}" for slot in range(1, self._config.slots + 1) for name in ("id", *self._labels)]
        name = f"emotion-edge {self._device}"
        info = self._pylsl.StreamInfo(
            name, STREAM_TYPE, len(channels), self._pylsl.IRREGULAR_RATE, self._pylsl.cf_float32, self._source_id
        )
        description = info.desc()
        description.append_child_value("manufacturer", "emotion-edge")
        description.append_child_value("synthetic", str(self._synthetic).lower())
        listed = description.append_child("channels")
        for label in channels:
            channel = listed.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", "id" if label.endswith(" id") else "probability")
        self._stream = self._pylsl.StreamOutlet(info)
        log.info("the LSL stream '%s' of type %s is open to everybody on the network", name, STREAM_TYPE)

    def _clock_offset_s(self) -> float:
        """Return by how much LSL's clock is ahead of Python's; both are the machine's, so it is next to nothing."""
        tries: list[tuple[float, float]] = []
        for _ in range(_CLOCK_TRIES):
            before_s, there_s, after_s = time.monotonic(), self._pylsl.local_clock(), time.monotonic()
            tries.append((after_s - before_s, there_s - (before_s + after_s) / 2))
        return min(tries)[1]


def load_pylsl() -> Any:
    """Return pylsl.

    Raises:
        ConfigError: It, or its library, is not there.
    """
    try:
        import pylsl  # noqa: PLC0415  # an extra
    except (ImportError, RuntimeError, OSError) as error:  # RuntimeError: without its library
        message = f"lsl.enabled needs pylsl and liblsl ({first_line(error, 120)}); docs/lsl.md says how to install them"
        raise ConfigError(message) from None
    return pylsl
