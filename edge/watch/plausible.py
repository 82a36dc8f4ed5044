"""Checks beyond the schema: anybody may publish anything to a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.frozen import FrozenModel
from edge.wire.frame_message import FrameMessage
from edge.wire.messages import CameraStatus, FaceEvent, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edge.wire.messages import Payload

_LONGEST_S = 1e9
"""Thirty years. Larger values, and years outside those below, overflow `datetime`."""

_LARGEST = 2**53
"""Larger integers are not exact in every program that reads JSON (RFC 8259, section 6), and overflow a float."""


def plausible(payload: Payload) -> bool:
    """Return whether a payload's numbers and times make sense.

    Times lie between 1970, where a Pi's clock starts, and 2200; integers are exact in every program that reads JSON.
    """
    lasted_s = payload.lasted_s if isinstance(payload, FaceEvent) else None
    return (
        (lasted_s or 0) <= _LONGEST_S
        and all(abs(number) < _LARGEST for number in _integers(payload))
        and all(1970 <= at.year < 2200 for at in _times(payload))
    )


def _integers(value: object) -> Iterator[int]:
    """Yield every integer of a payload, at any depth."""
    match value:
        case int():
            yield value
        case FrozenModel():
            for _, each in value:
                yield from _integers(each)
        case tuple():
            for each in value:
                yield from _integers(each)


def _times(payload: Payload) -> Iterator[datetime]:
    match payload:
        case FaceEvent() | FrameMessage():
            yield payload.captured_at
        case State():
            yield payload.captured_at
            yield from (face.since for face in payload.faces)
        case CameraStatus():
            yield payload.since
