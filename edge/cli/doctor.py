"""``emotion-edge doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from edge.cli.encoding import write_utf8
from edge.cli.options import ConfigOption, JsonFlag, load_settings, settings_file
from edge.console import PipeConsole
from edge.errors import ConfigError

if TYPE_CHECKING:
    from edge.config import Settings


def doctor(config: ConfigOption = None, as_json: JsonFlag = False) -> None:  # noqa: FBT002  # typer's way
    """Check this machine and name what fixes each problem. As root: for the service's user."""
    from edge import doctor as examination  # noqa: PLC0415  # as in run

    try:
        settings: Settings | ConfigError = load_settings(config, {})
    except ConfigError as error:
        settings = error
    reader = examination.become_service_user(None if isinstance(settings, ConfigError) else settings)
    findings = examination.examine(settings, reader=reader, configuration=settings_file(config))
    if as_json:
        write_utf8()
        typer.echo(examination.to_json(findings))
    else:
        console = PipeConsole()
        console.print(examination.table(findings))
        console.print()
        for line in examination.advice(findings):
            console.print(line, soft_wrap=True)
    raise typer.Exit(examination.exit_code(findings))
