"""``emotion-edge config check | show | example``."""

from __future__ import annotations

import typer

from edge import config as configuration
from edge.cli.encoding import write_utf8
from edge.cli.options import ConfigOption, load_settings

app = typer.Typer(help="Check, show or explain the configuration.", no_args_is_help=True)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check the configuration."""
    load_settings(config, {})
    typer.echo(
        f"{config or configuration.SYSTEM_FILE}: fine" if config or configuration.SYSTEM_FILE.exists() else "fine"
    )


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
