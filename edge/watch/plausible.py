"""Checks beyond the schema: anybody may publish anything to a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.frozen import FrozenModel
from edge.wire.frame_message import FrameMessage
from edge.wire.messages import LONGEST_NAME, MOST_LABELS, CameraStatus, FaceEvent, Health, Info, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edge.wire.messages import Payload

_LONGEST_S = 1e9
"""Thirty years. Larger values, and years outside those below, overflow `datetime`."""

_LARGEST = 2**53
"""Larger integers are not exact in every program that reads JSON (RFC 8259, section 6), and overflow a float."""

_LONGEST_SENTENCE = 10_000
"""Characters of a text for people, such as the camera's reason. It may name files, of up to 4,096 bytes each."""


def plausible(payload: Payload) -> bool:
    """Return whether a payload's numbers, times and texts make sense.

    Times lie between 1970, where a Pi's clock starts, and 2200; integers are exact in every program that reads JSON;
    texts are no longer, and probabilities no more, than a daemon sends.
    """
    lasted_s = payload.lasted_s if isinstance(payload, FaceEvent) else None
    longest = _LONGEST_SENTENCE if isinstance(payload, CameraStatus | Health | Info) else LONGEST_NAME
    return (
        (lasted_s or 0) <= _LONGEST_S
        and all(abs(leaf) < _LARGEST for leaf in _leaves(payload) if isinstance(leaf, int))
        and all(1970 <= at.year < 2200 for at in _times(payload))
        and all(len(leaf) <= longest for leaf in _leaves(payload) if isinstance(leaf, str))
        and all(len(each) <= MOST_LABELS for each in _probabilities(payload))
    )


def _leaves(value: object) -> Iterator[object]:
    """Yield every number and text of a payload, at any depth; of dictionaries the keys, as their values are shares."""
    match value:
        case FrozenModel():
            for _, each in value:
                yield from _leaves(each)
        case tuple() | dict():
            for each in value:
                yield from _leaves(each)
        case _:
            yield value


def _times(payload: Payload) -> Iterator[datetime]:
    match payload:
        case FaceEvent() | FrameMessage():
            yield payload.captured_at
        case State():
            yield payload.captured_at
            yield from (face.since for face in payload.faces)
        case CameraStatus():
            yield payload.since


def _probabilities(payload: Payload) -> Iterator[dict[str, float]]:
    match payload:
        case FaceEvent(probabilities=dict() as each):
            yield each
        case FrameMessage():
            yield from (face.probabilities for face in payload.faces)
