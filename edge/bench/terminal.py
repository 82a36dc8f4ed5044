"""Sheets on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from edge.bench.sheets import Sheet


def table(sheet: Sheet) -> Table:
    """Return a sheet as a table."""
    result = Table(title=escape(sheet.title), title_justify="left", min_width=78)
    for column in sheet.columns:
        # Folded where there is no room: a figure that is cut off would be another one.
        result.add_column(column, justify="left" if column == sheet.columns[0] else "right", overflow="fold")
    for row in sheet.rows:
        result.add_row(*row)
    result.caption = escape("\n".join(sheet.notes))
    result.caption_justify = "left"
    return result
