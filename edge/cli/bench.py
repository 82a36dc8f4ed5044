"""``emotion-edge bench`` and ``bench merge``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads it
from typing import Annotated

import typer

from edge import files
from edge.cli.encoding import write_utf8
from edge.cli.options import (
    STDOUT,
    CameraOption,
    ConfigOption,
    JsonFileOption,
    ModelOption,
    load_settings,
    writable,
)
from edge.console import PipeConsole
from edge.errors import ConfigError

app = typer.Typer()


@app.callback(invoke_without_command=True)
def bench(  # noqa: PLR0913, PLR0917  # typer's way
    context: typer.Context,
    config: ConfigOption = None,
    camera: CameraOption = None,
    model: ModelOption = None,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Threads of the network.  [default: 1]")] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="How many seconds to measure, all in all.")
    ] = 20.0,
    compare: Annotated[  # noqa: FBT002  # typer's way
        bool, typer.Option("--compare", help="Also two cascade searches of every frame, on the same frames.")
    ] = False,
    blazeface: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also BlazeFace on every frame; 'make blazeface' gets it.")
    ] = None,
    faces: Annotated[
        str | None, typer.Option(metavar="K[..M]", help="Also so many people at once, on the test card.")
    ] = None,
    json_file: JsonFileOption = None,
    page_file: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE.html", callback=writable, help="Write a page with plots, to be shown to others."
        ),
    ] = None,
) -> None:
    """Measure the latency of each stage on this device. It watches the test card unless a camera is named."""
    if context.invoked_subcommand:
        _refuse_options_before(context)
        return
    flags = {"camera.source": camera or "testcard", "emotion.model": model, "emotion.threads": threads}
    settings = load_settings(config, flags)
    from edge import bench as benchmark  # noqa: PLC0415  # as in run

    people = benchmark.people(faces, settings) if faces is not None else ()
    search = benchmark.BlazeFace(blazeface).search if blazeface else None
    report = benchmark.measure(settings, seconds, cascades=compare, blazeface=search, people=people)
    text = report.model_dump_json(indent=2)
    if page_file:
        files.write_atomically(page_file, benchmark.page(report))
    if json_file == STDOUT:
        write_utf8()
        typer.echo(text)
        return
    console = PipeConsole()
    for sheet in benchmark.sheets(report):
        console.print(benchmark.table(sheet))
    for warning in report.warnings():
        typer.echo(f"emotion-edge: not comparable: {warning}", err=True)
    if json_file:
        files.write_atomically(json_file, text + "\n")


def _refuse_options_before(context: typer.Context) -> None:
    sources = {option.opts[0]: context.get_parameter_source(option.name or "") for option in context.command.params}
    given = ", ".join(flag for flag, source in sources.items() if source and source.name == "COMMANDLINE")
    if given:
        message = f"bench {context.invoked_subcommand} takes no options of bench: leave {given} out"
        raise ConfigError(message)


@app.command()
def merge(
    reports: Annotated[list[Path], typer.Argument(metavar="FILE.json", help="What --json wrote, on any device.")],
) -> None:
    """Print reports as Markdown tables. One has the devices, one what was compared on them."""
    from edge import bench as benchmark  # noqa: PLC0415  # as in run

    typer.echo(benchmark.markdown([benchmark.read(file) for file in reports]))
