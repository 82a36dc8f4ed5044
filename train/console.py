"""What both command lines share: where the data is, and how a mistake is told."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.errors import EdgeError
from train.datasets import DataError
from train.recipes import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

_DATA = Path(os.environ.get("DATA", "data"))
"""The folder of data sets."""

_SHOWN = "in $DATA or data"


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


def _clips() -> Path | None:
    found = _default("clips")
    return found if found.exists() else None


ClipsOption = Annotated[
    Path | None,
    typer.Option(
        "--clips",
        default_factory=_clips,
        show_default=_SHOWN,
        help="Real footage, whose parts without faces are learned as such; none: textures do.",
    ),
]


def run(app: typer.Typer, arguments: Sequence[str] | None) -> None:
    """Run a command line; a mistake of the user is one sentence on standard error and exit code 2."""
    try:
        app(args=arguments)
    except (DataError, RecipeError, EdgeError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:  # a full disk, above all
        sys.stderr.write(f"{error.filename or 'a temporary file'}: {error.strerror or error}\n")
        sys.exit(2)
