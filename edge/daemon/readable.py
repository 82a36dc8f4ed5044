"""What `--print` shows a person at a terminal: a short line for each event, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.text import printable

if TYPE_CHECKING:
    from edge.config import Broker
    from edge.wire.messages import FaceEvent

_CELLS = 10
"""Of the bar that shows the confidence."""

_MINUTE_S = 60.0


def readable(event: FaceEvent) -> str:
    """Return an event as one line of at most 80 columns: time, face, what changed, and the confidence as a bar."""
    emotion = printable(event.emotion, 12)
    what = {
        "appeared": f"appeared, {emotion}",
        "changed": f"{printable(event.previous or '?', 12)} → {emotion}",
        "gone": f"gone, was {emotion}",
    }[event.type]
    if event.lasted_s is not None:
        what += f", after {_length(event.lasted_s)}"
    full = round(event.confidence * _CELLS)
    bar = "▇" * full + "·" * (_CELLS - full)
    when = event.captured_at.astimezone()
    return f"{when:%H:%M:%S}  face {event.face.id:<4} {what:<40} {bar} {event.confidence * 100:3.0f} %"


def what_next(program: str, broker: Broker) -> str:
    """Return what to do while the daemon runs.

    Args:
        program: The command by which it was called.
        broker: Where it publishes.
    """
    lines = ["stop it:   Ctrl+C", ""]
    if broker.kind == "network" and not broker.user:  # else a password is needed, which watch asks its settings for
        lines.insert(0, f"watch it:  {program} watch --broker {broker}")
    return "\n".join(lines)


def _length(seconds: float) -> str:
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes = seconds / _MINUTE_S
    return f"{minutes:.0f} min" if minutes < 2 * _MINUTE_S else f"{minutes / _MINUTE_S:.0f} h"
