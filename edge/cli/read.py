"""``emotion-edge read``."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003  # typer reads it
from typing import Annotated

import typer

from edge.cli.encoding import write_utf8
from edge.cli.options import STDOUT, ConfigOption, ModelOption, load_settings, writable_or_stdout
from edge.cli.output import report_error, tolerate_broken_pipe
from edge.console import PipeConsole
from edge.errors import CameraError, DiskFullError, ExitCode, OutputError
from edge.files import write_atomically
from edge.text import printable

_LONGEST_PATH = 4096


def read(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO", help="Images, or folders of images.")],
    config: ConfigOption = None,
    model: ModelOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a copy of each photo with its faces drawn in.")
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", callback=writable_or_stdout, help="Write what was found as JSON; - prints it alone."
        ),
    ] = None,
) -> None:
    """Read every face of photos: where it is and what it expresses."""
    settings = load_settings(config, {"emotion.model": model})
    from edge.inference.bundle import ModelBundle  # noqa: PLC0415  # OpenCV and the runtime load here, not for --help
    from edge.photo.read import copy_names, read_photo, write_copy  # noqa: PLC0415  # the same
    from edge.photo.report import FaceTable, ReadPhoto, found_words, to_json  # noqa: PLC0415  # the same

    files, failed = _files(photos)
    bundle = ModelBundle.configured(settings.emotion)
    copies = copy_names(files, _made(out)) if out else [None] * len(files)
    found: list[ReadPhoto] = []
    full, alone = False, json == STDOUT
    console = PipeConsole(highlight=False, quiet=alone)
    with tolerate_broken_pipe():
        for file, copy in zip(files, copies, strict=True):
            if console.quiet and not (json or out):
                break  # nobody reads any more
            try:
                photo, colours = read_photo(file, bundle, settings.emotion.min_confidence)
            except CameraError as error:
                report_error(error)  # the others are read all the same
                failed = error.exit_code
                continue
            found.append(photo)
            console.print(f"{_shown(file)}: {found_words(photo)}", style="bold", soft_wrap=True, markup=False)
            if photo.faces:
                console.print(FaceTable(photo.faces))
            if not copy or full:
                continue
            try:
                write_copy(photo, colours, copy)
            except (CameraError, OutputError) as error:
                full = isinstance(error, DiskFullError)
                report_error(OutputError(f"{error}; no further copies are written") if full else error)
                failed = error.exit_code
                continue
            console.print(f"drawn into {_shown(copy)}", soft_wrap=True, markup=False)
        if alone:
            write_utf8()
            typer.echo(to_json(found, bundle.card), nl=False)
    if json and not alone:
        write_atomically(json, to_json(found, bundle.card))
    if failed:
        raise typer.Exit(failed)


def _files(photos: list[Path]) -> tuple[list[Path], ExitCode]:
    """Return the photos that paths name, and how the command ends; a folder that cannot be read is reported."""
    from edge.photo.read import photo_files  # noqa: PLC0415  # as in read

    files: list[Path] = []
    failed = ExitCode.OK
    for path in photos:
        try:
            files += photo_files([path])
        except CameraError as error:
            report_error(error)  # the others are read all the same
            failed = error.exit_code
    return files, failed


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder}: cannot be made: {error.strerror}; name a folder that can be written to"
        raise OutputError(message) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        message = f"{folder}: cannot be written to; name another folder"
        raise OutputError(message)
    return folder


def _shown(path: Path) -> str:
    return printable(str(path), _LONGEST_PATH)
