"""The command line: ``emotion-edge run | read | bench | doctor | watch | forget | model | config``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edge import __version__
from edge.cli import bench, config, model
from edge.cli.doctor import doctor
from edge.cli.forget import forget
from edge.cli.optional_value import CommandWithPreview
from edge.cli.output import prepare_streams, report_defect, report_error, report_machine_errors
from edge.cli.process import exit_if_camera_hangs
from edge.cli.read import read
from edge.cli.run import run
from edge.cli.usage import CommandGroup
from edge.cli.watch import watch
from edge.errors import EdgeError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(
    name="emotion-edge",
    cls=CommandGroup,
    help="Facial-expression recognition on a Raspberry Pi, published over MQTT.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # else [user@] and [default: …] are markup, and are not shown
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=CommandWithPreview)(run)
app.command()(read)
app.add_typer(bench.app, name="bench")
app.command()(doctor)
app.command()(watch)
app.command()(forget)
app.add_typer(model.app, name="model")
app.add_typer(config.app, name="config")


def _version(value: bool) -> None:  # noqa: FBT001  # typer's way
    if value:
        typer.echo(f"emotion-edge {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,  # noqa: FBT002  # typer's way
) -> None:
    pass


def main(command: Callable[[], object] = app) -> None:
    """Run the command line and end with one of `ExitCode`."""
    from edge import logs  # noqa: PLC0415  # rich loads here, not on import

    prepare_streams()
    logs.configure()
    # OpenCV waits 10 s for a silent webcam unless told before it loads: longer than we wait for it to let go.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
    try:
        with report_machine_errors():
            command()
    except EdgeError as error:
        report_error(error)
        exit_if_camera_hangs(error.exit_code)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001  # the last line of defence, reported in full
        report_defect(error)
        sys.exit(ExitCode.DEFECT)
