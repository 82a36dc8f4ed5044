"""The command that shows what is in the data sets."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads it
from typing import Annotated, get_args

import train.tensorflow_settings  # noqa: F401  # before anything that imports keras

# isort: split
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from edge.cli.options import writable_png
from edge.files import write_atomically
from edge.text import printable
from train import plots
from train.console import Fer2013Option, FerplusOption, console
from train.datasets import LabelProtocol, Split, folders, load

SPLITS: tuple[Split, ...] = get_args(Split)

app = typer.Typer()


@app.command("data")
def count(
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    protocol: Annotated[LabelProtocol, typer.Option(help="The labels; 'folder' goes with --folder.")] = "fer2013",
    folder: Annotated[Path | None, typer.Option(help="Count the faces of a folder instead.")] = None,
    plot: Annotated[
        Path | None, typer.Option(callback=writable_png, help="Draw the counts too, into this .png file.")
    ] = None,
) -> None:
    """Count the faces of each label in each split. Of votes, the most probable label counts."""
    found: dict[str, dict[str, int]]
    if folder:
        protocol = "folder"
        found = {split: folders.load(folder, split).counts() for split in SPLITS}
    else:
        found = {split: load(protocol, split, fer2013, ferplus).counts() for split in SPLITS}
    table = Table("label", *SPLITS, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.title, table.title_justify = str(folder or protocol), "left"
    for column in table.columns[1:]:
        column.justify = "right"
    totals = [max(sum(counts.values()), 1) for counts in found.values()]
    for label in found["Training"]:
        counts = [found[split][label] for split in SPLITS]
        cells = (f"{n:,} ({n / total:.1%})" for n, total in zip(counts, totals, strict=True))
        table.add_row(label, *cells)
    table.add_row("all", *(f"{sum(found[split].values()):,}" for split in SPLITS))
    console().print(table)
    if plot:
        write_atomically(plot, plots.class_counts(found, printable(folder.name) if folder else protocol))
