"""``emotion-edge run``."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

import typer

from edge.cli.optional_value import PREVIEW
from edge.cli.options import BrokerOption, CameraOption, ConfigOption, ModelOption, load_settings
from edge.cli.output import tolerate_broken_pipe
from edge.cli.process import exit_if_camera_hangs, exit_on_thread_failure
from edge.cli.signals import reload_on_signal, stop_on_signals
from edge.errors import ExitCode


def run(  # noqa: PLR0913, PLR0917  # typer's way
    config: ConfigOption = None,
    camera: CameraOption = None,
    broker: BrokerOption = None,
    model: ModelOption = None,
    print_events: Annotated[  # noqa: FBT002  # typer's way
        bool, typer.Option("--print", help="Print every event: a line of JSON; in a terminal, a short one.")
    ] = False,
    preview: Annotated[
        str | None,
        typer.Option(
            PREVIEW,
            metavar="[ADDRESS:PORT]",
            help="Show what the camera sees on a page, at 127.0.0.1:8090 if not told where.",
        ),
    ] = None,
    wait: Annotated[  # noqa: FBT002  # typer's way
        bool, typer.Option("--wait", help="Wait for a camera that is not there yet, as the service does.")
    ] = False,
) -> None:
    """Watch a camera and publish the emotions of the faces in it."""
    flags = {
        "camera.source": camera,
        "mqtt.url": broker,
        "emotion.model": model,
        "preview.enabled": None if preview is None else True,
        "preview.address": preview or None,
    }
    settings = load_settings(config, flags)
    stop, reload_asked = stop_on_signals(), reload_on_signal()
    exit_on_thread_failure()
    from edge.daemon.printer import Output  # noqa: PLC0415  # as below
    from edge.daemon.run import run as run_daemon  # noqa: PLC0415  # OpenCV and the runtime load here, not for --help

    with tolerate_broken_pipe():
        print_to = Output.of(sys.stdout) if print_events else None
        read = partial(load_settings, config, flags)
        run_daemon(settings, stop, print_to, wait=wait, read=read, reload_asked=reload_asked)
    exit_if_camera_hangs(ExitCode.OK)
