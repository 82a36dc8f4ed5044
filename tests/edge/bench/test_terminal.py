"""The figures of a benchmark in a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from edge.bench.sheets import Sheet
from edge.bench.terminal import table


@pytest.mark.parametrize("width", [40, 80])
def test_no_figure_is_cut_off(width: int) -> None:
    sheet = Sheet("stages", "A Pi", ("stage", *"abcde"), (("capture", *["12345.67"] * 5),), ("a note",))
    screen = io.StringIO()
    Console(width=width, file=screen).print(table(sheet))
    assert "…" not in screen.getvalue()
    assert screen.getvalue().count("7") == 5
