"""The states of a supervised camera, and what leads from one to another."""

from __future__ import annotations

from enum import Enum, auto


class CameraState(Enum):
    """What the camera supervisor is doing."""

    OPENING = auto()
    """The camera is being opened."""

    READING = auto()
    """The camera is open and frames are read."""

    LOSING = auto()
    """The camera went or stalled and is being closed, to be opened again."""

    LOST = auto()
    """The camera is closed and will be opened again after a short delay."""

    TURNING_OFF = auto()
    """The camera is being closed, to stay closed."""

    OFF = auto()
    """The camera is closed until it is turned on."""

    PAUSED = auto()
    """The clip stays open and is not read until it is turned on."""

    ENDED = auto()
    """The clip is over."""


class Signal(Enum):
    """What moves the camera supervisor from one state to another."""

    OPENED = auto()
    GONE = auto()
    """The camera failed, stalled, ended, or did not open."""

    CLOSED = auto()
    RETRY = auto()
    """The delay between two attempts to open the camera is over."""

    OFF = auto()
    PAUSE = auto()
    ON = auto()
    END = auto()


TRANSITIONS: dict[tuple[CameraState, Signal], CameraState] = {
    (CameraState.OPENING, Signal.OPENED): CameraState.READING,
    (CameraState.OPENING, Signal.GONE): CameraState.LOSING,
    (CameraState.OPENING, Signal.OFF): CameraState.TURNING_OFF,
    (CameraState.READING, Signal.GONE): CameraState.LOSING,
    (CameraState.READING, Signal.OFF): CameraState.TURNING_OFF,
    (CameraState.READING, Signal.PAUSE): CameraState.PAUSED,
    (CameraState.READING, Signal.END): CameraState.ENDED,
    (CameraState.LOSING, Signal.CLOSED): CameraState.LOST,
    (CameraState.LOSING, Signal.OFF): CameraState.TURNING_OFF,
    (CameraState.LOST, Signal.RETRY): CameraState.OPENING,
    (CameraState.LOST, Signal.OFF): CameraState.OFF,
    (CameraState.TURNING_OFF, Signal.CLOSED): CameraState.OFF,
    (CameraState.TURNING_OFF, Signal.ON): CameraState.LOSING,
    (CameraState.OFF, Signal.ON): CameraState.LOST,
    (CameraState.PAUSED, Signal.ON): CameraState.READING,
}
"""From a state and a signal to the next state. A signal that is not listed for a state changes nothing."""

OFF_STATES = frozenset({CameraState.TURNING_OFF, CameraState.OFF, CameraState.PAUSED})
"""No frame is wanted."""

CLOSING_STATES = frozenset({CameraState.LOSING, CameraState.TURNING_OFF})
"""The camera is being closed."""
