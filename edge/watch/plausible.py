"""What is in the contract's form may still be nonsense: anybody may write to a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.wire.messages import CameraStatus, FaceEvent, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edge.wire.messages import Payload

_LONGEST_S = 1e9
"""Thirty years. Beyond it, and beyond the years below, times could not be reckoned with."""


def plausible(payload: Payload) -> bool:
    """Say whether a payload's times have a zone and lie in the age of the Pi, or in 1970, where its clock begins."""
    lasted_s = payload.lasted_s if isinstance(payload, FaceEvent) else None
    return (lasted_s or 0) <= _LONGEST_S and all(at.tzinfo and 1970 <= at.year < 2200 for at in _times(payload))


def _times(payload: Payload) -> Iterator[datetime]:
    match payload:
        case FaceEvent():
            yield payload.captured_at
        case State():
            yield payload.captured_at
            yield from (face.since for face in payload.faces)
        case CameraStatus():
            yield payload.since


def printable(said: str) -> str:
    """Give a name as a terminal and a picture can bear it: no line ends, no escape sequences, no novel."""
    shown = "".join(each if each.isprintable() else "?" for each in said[:65])
    return shown if len(said) <= 64 else shown[:63] + "…"
