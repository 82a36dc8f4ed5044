"""What both command lines share: the options for data, and how errors are shown."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from edge.cli.encoding import replace_unencodable
from edge.cli.options import STDOUT
from edge.errors import EdgeError
from edge.files import is_folder, write_atomically
from train.datasets import DataError
from train.recipes import RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

_DATA = Path(os.environ.get("DATA", "data"))
"""The folder of data sets."""

_SHOWN = "in $DATA or data"

_NONE = "none"


def _default(name: str) -> Path:
    return _DATA / name


def _fer2013() -> Path:
    return _default("fer2013.tar.gz")


def _ferplus() -> Path:
    return _default("fer2013new.csv")


Fer2013Option = Annotated[
    Path,
    typer.Option("--fer2013", default_factory=_fer2013, show_default=_SHOWN, help="FER2013's archive or csv."),
]
FerplusOption = Annotated[
    Path,
    typer.Option("--ferplus", default_factory=_ferplus, show_default=_SHOWN, help="The FER+ votes."),
]


def _votes(text: str) -> Path | None:
    """Return the file, or None for the word none."""
    return None if text == _NONE else Path(text)


VotesOption = Annotated[
    Path | None,
    typer.Option(
        "--ferplus",
        default_factory=lambda: str(_ferplus()),
        parser=_votes,
        metavar="FILE|none",
        show_default=_SHOWN,
        help="The FER+ votes; none: there are none for these faces.",
    ),
]


def _clips() -> str:
    found = _default("clips")
    return str(found) if found.exists() else _NONE


def _clips_folder(text: str) -> Path | None:
    """Return the folder, or None for the word none."""
    if text == _NONE:
        return None
    folder = Path(text)
    if not is_folder(folder):
        message = f"{folder}: no such folder of clips; write --clips {_NONE} to use textures instead"
        raise DataError(message)
    return folder


ClipsOption = Annotated[
    Path | None,
    typer.Option(
        "--clips",
        default_factory=_clips,
        parser=_clips_folder,
        metavar="FOLDER|none",
        show_default=_SHOWN,
        help="Real footage, whose parts without faces are negatives; none: textures take their place.",
    ),
]


def console(*, stderr: bool = False) -> Console:
    """Return where results are printed, or what is said beside them. Brackets in the names of files are no markup."""
    return Console(markup=False, stderr=stderr)


def show(tables: Iterable[RenderableType], figures: str, json: Path | None, *, note: str = "") -> None:
    """Print tables, and write their figures into the file that `JsonFileOption` names, or print those alone.

    Args:
        tables: What a person reads.
        figures: The same as JSON.
        json: Where they go, too.
        note: A last line, which is not wrapped: paths are in it.
    """
    if json == STDOUT:
        typer.echo(figures)
        return
    for table in tables:
        console().print(table)
    if note:
        console().print(note, soft_wrap=True)
    if json:
        write_atomically(json, figures + "\n")


def run(app: typer.Typer, arguments: Sequence[str] | None) -> None:
    """Run a command line; a user's mistake ends with one sentence on standard error and exit code 2.

    A character that the locale's encoding does not have is replaced: names of files are shown, and need not be UTF-8.
    """
    replace_unencodable(sys.stdout)
    try:
        app(args=arguments)
    except (DataError, RecipeError, EdgeError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:  # a full disk, above all
        sys.stderr.write(f"{error.filename or 'a temporary file'}: {error.strerror or error}\n")
        sys.exit(2)
