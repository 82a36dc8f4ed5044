"""The fleet as a table for a terminal of any size: one line for each face or device, none wraps."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from edge.palette import BAD, GOOD, WARNING, coloured
from edge.text import printable
from edge.watch.bar import Cell, bar_cells, legend, render
from edge.watch.rows import TableRow, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import JustifyMethod, RenderableType

    from edge.watch.fleet import Device, Fleet
    from edge.wire.messages import FaceEvent

_COLUMNS = (
    ("", 1, 0),
    ("device", 13, 0),
    ("emotion", 12, 0),
    ("%", 3, 60),
    ("since", 6, 50),
    ("timeline", 0, 0),
    ("events", 6, 100),
    ("lost", 4, 40),
    ("fps", 5, 100),
    ("ms", 4, 100),
)
"""Each column's title, its width, and the narrowest terminal that shows it."""

_WINDOWS = tuple(timedelta(seconds=each) for each in (15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200))
"""What the timelines show while less is known than they shall show."""

_LEFT = {"", "device", "emotion", "timeline"}

_FRAME = 4
"""Lines around the rows: headline, the columns' names, what is hidden, legend."""

_EVENTS = 5
"""Newest events to list, if there is room."""


@dataclass(frozen=True)
class Screen:
    """What to draw on."""

    width: int
    """Columns."""

    height: int | None = None
    """Lines; None: no limit."""

    colours: bool = True
    """False: letters stand for the emotions."""

    window: timedelta = timedelta(minutes=3)
    """How much time the timelines show, once so much is known."""


def draw(fleet: Fleet, now: datetime, screen: Screen, problem: str | None = None) -> Group:
    """Return the table, its headline and its legend.

    Args:
        fleet: The devices.
        now: The time, in the reader's time zone.
        screen: The room there is.
        problem: Why nothing is received, if so.
    """
    trouble = textwrap.wrap(problem or "", max(20, screen.width), break_on_hyphens=False)
    if screen.height is not None:
        trouble = trouble[: max(0, screen.height - _FRAME - 1)]
    room = None if screen.height is None else max(1, screen.height - _FRAME - len(trouble))
    rows, hidden = rows_of(fleet, room)
    columns = _columns([printable(row.name) for row in rows], screen)
    window = _window(rows, now, screen.window)
    table = _table(columns, window)
    seen: set[Cell] = set()
    for row in rows:
        track = None if row.first or not (row.face and row.device.state) else (row.device.state.session, row.face.id)
        there = now - row.device.clock_offset
        line = bar_cells(row.device.timeline, there, window, columns["timeline"], track)
        seen.update(line)
        cells = {**_cells(row, there), "timeline": render(line, colours=screen.colours)}
        table.add_row(*(cells.get(title, Text()) for title in columns))
    parts: list[RenderableType] = [
        _headline(fleet, now, None if trouble else problem),
        *(_line(line, BAD) for line in trouble),
        table,
    ]
    if hidden:
        parts.append(_line(f"{len(hidden)} more, less active: {', '.join(map(printable, hidden))}", "dim"))
    parts.append(legend(seen, colours=screen.colours))
    spare = _EVENTS if room is None else min(_EVENTS, room - len(rows))
    parts.extend(_event(event, now) for event in fleet.recent[-spare:] if spare > 0)
    return Group(*parts)


def _columns(names: list[str], screen: Screen) -> dict[str, int]:
    """Return the columns that fit, with their widths; the timeline gets what the others leave."""
    columns = {title: width for title, width, least in _COLUMNS if screen.width >= least}
    longest = max((cell_len(name) + 1 for name in names), default=0)
    columns["device"] = min(max(6, longest), 22 if screen.width >= 100 else 13)
    columns["timeline"] = max(1, screen.width - sum(columns.values()) - len(columns) + 1)
    return columns


def _window(rows: Sequence[TableRow], now: datetime, longest: timedelta) -> timedelta:
    """Return how much time to show: no more than about twice what is known, so that the timelines are never blank."""
    known = max(
        (now - row.device.clock_offset - row.device.timeline.begin for row in rows if row.device.timeline.begin),
        default=timedelta(),
    )
    return min((window for window in _WINDOWS if known <= window < longest), default=longest)


def _table(columns: dict[str, int], window: timedelta) -> Table:
    seconds = window.total_seconds()
    ago = f"{seconds / 60:g} min ago" if seconds >= 60 else f"{seconds:g} s ago"
    room = columns["timeline"] - len(ago)
    scale = ago + "now".rjust(room) if room > 4 else ""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for title, width in columns.items():
        justify: JustifyMethod = "left" if title in _LEFT else "right"
        header = Text(scale if title == "timeline" else title)
        table.add_column(header, width=width, no_wrap=True, overflow="ellipsis", justify=justify)
    return table


def _cells(row: TableRow, there: datetime) -> dict[str, Text]:
    """Return a row's cells by column; `there` is the time on the device's clock."""
    device, face = row.device, row.face
    mark, what = _status(device)
    since = face.since if face else device.timeline.idle_since
    emotion = coloured(face.emotion) if face else what
    cells = {
        "emotion": Text.assemble(emotion, (f" +{row.more}" if row.more else "", "bold")),
        "%": Text(f"{face.confidence * 100:.0f}" if face else ""),
        "since": Text(_length(there - since) if since else ""),
    }
    if not row.first:
        return cells
    name = Text(printable(row.name))
    if device.state and device.state.synthetic:
        name.append("*", "dim")
    lost, health = device.losses.lost, device.health
    latency = health.latency.p50_ms if health else None
    return cells | {
        "": mark,
        "device": name,
        "events": Text(_short(device.losses.received)),
        "lost": Text(_short(lost), style=f"bold {BAD}" if lost else "dim"),
        "fps": Text(f"{health.frames.per_second:.1f}" if health else "?"),
        "ms": Text("?" if latency is None else f"{latency:.0f}"),
    }


def _status(device: Device) -> tuple[Text, Text]:
    """Return the mark before a device's name, and the text in place of an emotion."""
    if device.availability == "offline":
        return Text("○", BAD), Text("offline", BAD)
    if device.camera and device.camera.status != "online":
        status = {"off": "off", "stalled": "stalled", "offline": "no camera"}[device.camera.status]
        return Text("◐", WARNING), Text(status, WARNING)
    nobody = Text("nobody" if device.state else "?", "dim")
    return (Text("●", GOOD) if device.availability == "online" else Text("?", "dim")), nobody


def _headline(fleet: Fleet, now: datetime, problem: str | None) -> Text:
    devices = fleet.listed.values()
    away = sum(device.availability == "offline" for device in devices)
    lost = sum(device.losses.lost for device in devices)
    faces = sum(len(device.faces) for device in devices)
    text = _line(f"{now:%H:%M:%S}  {fleet.base}", "bold")
    text.append(f"  {_several(len(devices), 'device')}, {_several(faces, 'face')}", "not bold")
    for count, part in (
        (away, f"{away} offline"),
        (lost, f"{_several(lost, 'event')} lost"),
        (fleet.invalid, _several(fleet.invalid, "invalid message")),
        (fleet.ignored, f"{_several(fleet.ignored, 'message')} of further devices ignored"),
    ):
        if count:
            text.append(", ", "not bold").append(part, f"not bold {BAD}")
    if any(device.state and device.state.synthetic for device in devices):
        text.append("  * test card", "dim not bold")
    return text if problem is None else Text.assemble(text, (f"  {problem}", BAD), no_wrap=True, overflow="ellipsis")


def _event(event: FaceEvent, now: datetime) -> Text:
    what = {"appeared": "appeared,", "changed": f"{printable(event.previous or '?')} to", "gone": "is gone, last"}[
        event.type
    ]
    when = event.captured_at.astimezone(now.tzinfo)
    text = _line(f"{when:%H:%M:%S} {printable(event.device)} face {event.face.id} {what} ", "dim")
    return text.append_text(coloured(event.emotion))


def _line(text: str, style: str) -> Text:
    # Text, not str: names may hold what rich takes for markup.
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _short(count: int) -> str:
    return str(count) if count < 10_000 else f"{count // 1000}k"


def _length(time: timedelta) -> str:
    seconds = max(0, int(time.total_seconds()))
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
