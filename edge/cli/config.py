"""``emotion-edge config check | show | example``."""

from __future__ import annotations

import typer

from edge import config as configuration
from edge.cli.encoding import write_utf8
from edge.cli.options import ConfigOption, load_settings, settings_file
from edge.cli.usage import redact_message

app = typer.Typer(help="Check, show or explain the configuration.", no_args_is_help=True)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check the configuration, and end as `run` would. As root, for the service's user."""
    settings, file = load_settings(config, {}), settings_file(config)
    from edge import doctor  # noqa: PLC0415  # as in run
    from edge.cli.start_check import check_start  # noqa: PLC0415  # as in run

    reader = doctor.become_service_user(settings)
    finding = doctor.files(settings, file, reader)
    if finding.status == "broken":
        for found, fix in zip(finding.found.split("\n"), (finding.fix or "").split("\n"), strict=True):
            typer.echo(redact_message(f"emotion-edge: warning: {found}\n  {fix}"), err=True)
    check_start(settings, file, reader)
    typer.echo(f"{file}: fine" if file else "fine")


@app.command()
def show(config: ConfigOption = None) -> None:
    """Print the settings in force, as TOML."""
    write_utf8()
    typer.echo(configuration.show(load_settings(config, {})), nl=False)


@app.command()
def example() -> None:
    """Print a file with every setting, its default and its reason."""
    write_utf8()
    typer.echo(configuration.example(), nl=False)
