"""A timeline as one line of a terminal: a cell for each few seconds, and its legend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from rich.text import Text

from edge.palette import BAD, WARNING, colour, letter, order
from edge.text import printable
from edge.watch.timeline import Gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.watch.timeline import Span, Timeline

Lost = Literal["lost"]
Cell = str | Gap | tuple[Lost]
LOST: tuple[Lost] = ("lost",)
"""A cell in which a gap in the sequence showed."""

_BLOCK = "▇"  # not full height, so that lines stay apart
_GAPS = {Gap.NOBODY: ("·", "dim"), Gap.OFFLINE: ("x", BAD), Gap.NO_CAMERA: ("-", WARNING), Gap.UNKNOWN: (" ", "")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def bar_cells(
    timeline: Timeline, now: datetime, window: timedelta, count: int, track: tuple[str, int] | None = None
) -> list[Cell]:
    """Return the cells of the time up to now.

    Args:
        timeline: What happened.
        now: The end of the last cell, or somewhere in it, on the device's clock.
        window: What all cells cover.
        count: How many.
        track: One face's key, which may be unknown; None for the largest face of each moment.
    """
    each = max(window / count, timedelta(milliseconds=100))
    # Cells start at multiples of their length, so that they move as one and do not flicker.
    begin = _EPOCH + ((now - _EPOCH) // each - count + 1) * each
    spans = timeline.spans(begin, now) if track is None else _spans_of(timeline, track, begin, now)
    result: list[Cell] = [*_share(spans, begin, each, count)]
    for at, _ in timeline.losses if track is None else ():
        if begin <= at < begin + count * each:
            result[(at - begin) // each] = LOST
    return result


def render(line: Sequence[Cell], *, colours: bool) -> Text:
    """Return the cells as text; without colours, letters stand for the emotions."""
    text = Text(no_wrap=True)
    for cell, run in groupby(line):
        mark, style = _mark(cell, colours=colours)
        text.append(mark * len(list(run)), style)
    return text


def legend(seen: Iterable[Cell], *, colours: bool) -> Text:
    """Return the legend of the cells that are on the screen."""
    found = set(seen) - {Gap.UNKNOWN}
    text = Text(no_wrap=True, overflow="ellipsis", style="dim" if not colours else "")
    # Emotions last: if they do not fit, the rows still name them in their colours.
    for gap in (gap for gap in Gap if gap in found):
        text.append(*_mark(gap, colours=colours)).append(f" {gap.value}  ")
    if LOST in found:
        text.append(*_mark(LOST, colours=colours)).append(" lost  ")
    for emotion in sorted((cell for cell in found if isinstance(cell, str)), key=order):
        text.append(*_mark(emotion, colours=colours)).append(f" {printable(emotion)}  ")
    text.rstrip()
    return text


def _spans_of(timeline: Timeline, track: tuple[str, int], begin: datetime, end: datetime) -> list[Span]:
    """Return one face's emotions; none where nothing of it is known any more."""
    face = timeline.tracks.get(track)
    return list(face.spans(begin, end)) if face else []


def _share(spans: Sequence[Span], begin: datetime, each: timedelta, count: int) -> list[str | Gap]:
    """Return what filled most of each of `count` equal parts of a time."""
    shares: list[dict[str | Gap, timedelta]] = [{} for _ in range(count)]
    for span in spans:
        first = max(0, (span.begin - begin) // each)
        last = min(count - 1, (span.end - begin) // each)
        for index in range(first, last + 1):
            at = begin + index * each
            share = min(span.end, at + each) - max(span.begin, at)
            shares[index][span.what] = shares[index].get(span.what, timedelta()) + share
    return [max(share, key=lambda what: share[what]) if share else Gap.UNKNOWN for share in shares]


def _mark(cell: Cell, *, colours: bool) -> tuple[str, str]:
    """Return a cell's character and its style."""
    if isinstance(cell, Gap):
        return _GAPS[cell]
    if isinstance(cell, tuple):
        return ("!", "bold white on #c8102e")
    return (_BLOCK, colour(cell)) if colours else (letter(cell), "")
