"""``emotion-edge watch``."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path  # noqa: TC003  # typer reads it
from typing import Annotated

import typer

from edge.cli.encoding import write_utf8
from edge.cli.options import (
    BrokerOption,
    ConfigOption,
    JsonFlag,
    PasswordFileOption,
    UserOption,
    broker_flags,
    load_settings,
)
from edge.cli.output import tolerate_broken_pipe
from edge.cli.process import exit_on_thread_failure
from edge.cli.signals import stop_on_signals
from edge.errors import ConfigError
from edge.streams import waiting_until


def watch(  # noqa: PLR0913, PLR0917  # typer's way
    config: ConfigOption = None,
    broker: BrokerOption = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
    device: Annotated[str, typer.Option(metavar="NAME|+", help="One device, or + for all.")] = "+",
    as_json: JsonFlag = False,  # noqa: FBT002  # typer's way
    minutes: Annotated[
        float, typer.Option(min=0.1, max=1440, metavar="M", help="How many minutes the timelines show.")
    ] = 3.0,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Append every event to a CSV file, a row each.")
    ] = None,
    frames: Annotated[  # noqa: FBT002  # typer's way
        bool,
        typer.Option(
            "--frames", help="With --record: every face of every frame instead, where frames.enabled is true."
        ),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="At the end, draw what was received. Needs matplotlib.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE.csv", help="With --plot: draw a record, without a broker."),
    ] = None,
) -> None:
    """Show live what devices publish."""
    if source and (not plot or record or as_json or broker):
        message = "--from FILE.csv goes with --plot FILE.png (and --device) alone: it draws what was recorded"
        raise ConfigError(message)
    if frames and not record:
        message = "--frames goes with --record FILE.csv: it records every face of every frame"
        raise ConfigError(message)
    flags = broker_flags(config, broker, user, password_file)
    flags["mqtt.device"] = None if device == "+" else device  # checked as a device's own
    settings = load_settings(config, flags)
    stop = stop_on_signals()
    exit_on_thread_failure()
    from edge.watch import PlotFile, WatchOptions, replay  # noqa: PLC0415  # as in run
    from edge.watch import watch as show_live  # noqa: PLC0415  # as in run

    plot_file = PlotFile(plot) if plot else None
    if source and plot_file:
        plot_file.write(*replay(source, device))
        return
    if as_json:
        write_utf8()
    sys.stdout = waiting_until(stop, sys.stdout)
    options = WatchOptions(
        sys.stdout if as_json else None, record, plot_file, timedelta(minutes=minutes), frames=frames
    )
    with tolerate_broken_pipe():
        show_live(settings.mqtt, device, stop, options)
