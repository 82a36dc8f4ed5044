"""The rows of the table: which devices and faces are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.watch.fleet import Device, Fleet
    from edge.wire.messages import StateFace


@dataclass(frozen=True)
class TableRow:
    """One row."""

    name: str
    device: Device
    face: StateFace | None
    first: bool = True
    """False for a device's second face and further ones."""

    more: int = 0
    """The device's faces that have no row of their own."""


def rows_of(fleet: Fleet, room: int | None) -> tuple[list[TableRow], list[str]]:
    """Return the rows that fit into `room` lines (None: all), and the names of the devices that have none."""
    devices = fleet.listed
    names = sorted(devices)
    rows = [row for name in names for row in _face_rows(name, devices[name])]
    if room is None or len(rows) <= room:
        return rows, []
    # The most recently active, but in the order of their names: a table that jumps about cannot be read.
    most_active = set(sorted(names, key=lambda name: devices[name].active, reverse=True)[:room])
    folded = [replace(row, more=max(0, len(row.device.faces) - 1)) for row in rows if row.first]
    return [row for row in folded if row.name in most_active], [name for name in names if name not in most_active]


def _face_rows(name: str, device: Device) -> Iterator[TableRow]:
    faces = device.faces
    yield TableRow(name, device, faces[0] if faces else None)
    for face in faces[1:]:
        yield TableRow(name, device, face, first=False)
