"""Which devices and faces get a line of the table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.watch.board import Board, Device
    from edge.wire.messages import StateFace


@dataclass(frozen=True)
class TableRow:
    """One line."""

    name: str
    device: Device
    face: StateFace | None
    first: bool = True
    """False of a device's second face and further ones."""

    more: int = 0
    """Faces that have no row of their own."""


def rows_of(board: Board, room: int | None) -> tuple[list[TableRow], list[str]]:
    """Give the rows that there is room for, and the names of the devices that have none."""
    names = sorted(board.devices)
    rows = [row for name in names for row in _unfolded(name, board.devices[name])]
    if room is None or len(rows) <= room:
        return rows, []
    # Those where something happens, but each in its place: a table that jumps about cannot be read.
    liveliest = set(sorted(names, key=lambda name: board.devices[name].active, reverse=True)[:room])
    folded = [replace(row, more=max(0, len(_faces(row.device)) - 1)) for row in rows if row.first]
    return [row for row in folded if row.name in liveliest], [name for name in names if name not in liveliest]


def _unfolded(name: str, device: Device) -> Iterator[TableRow]:
    faces = _faces(device)
    yield TableRow(name, device, faces[0] if faces else None)
    for face in faces[1:]:
        yield TableRow(name, device, face, first=False)


def _faces(device: Device) -> tuple[StateFace, ...]:
    return device.state.faces if device.state and device.availability != "offline" else ()
