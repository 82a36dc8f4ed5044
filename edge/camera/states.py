"""The states of a supervised camera, and what leads from one to another."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
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


TRANSITIONS: dict[tuple[State, Signal], State] = {
    (State.OPENING, Signal.OPENED): State.READING,
    (State.OPENING, Signal.GONE): State.LOSING,
    (State.OPENING, Signal.OFF): State.TURNING_OFF,
    (State.READING, Signal.GONE): State.LOSING,
    (State.READING, Signal.OFF): State.TURNING_OFF,
    (State.READING, Signal.PAUSE): State.PAUSED,
    (State.READING, Signal.END): State.ENDED,
    (State.LOSING, Signal.CLOSED): State.LOST,
    (State.LOSING, Signal.OFF): State.TURNING_OFF,
    (State.LOST, Signal.RETRY): State.OPENING,
    (State.LOST, Signal.OFF): State.OFF,
    (State.TURNING_OFF, Signal.CLOSED): State.OFF,
    (State.TURNING_OFF, Signal.ON): State.LOSING,
    (State.OFF, Signal.ON): State.LOST,
    (State.PAUSED, Signal.ON): State.READING,
}
"""From a state and a signal to the next state. A signal that is not listed for a state changes nothing."""

OFF_STATES = frozenset({State.TURNING_OFF, State.OFF, State.PAUSED})
"""No frame is wanted."""

CLOSING_STATES = frozenset({State.LOSING, State.TURNING_OFF})
"""The camera is being closed."""
