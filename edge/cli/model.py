"""``emotion-edge model list | add FILE | use NAME | remove NAME``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.options import ConfigOption, JsonFlag, load_settings
from edge.system.directories import administered_directory
from edge.system.owner import acting_as_owner, other_owner
from edge.wire.topics import Topics

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.inference.store import ModelStore

# The store needs the TFLite runtime: it is imported where it is used, not for --help.

app = typer.Typer(help="List, add, choose or remove models of this device.", no_args_is_help=True)

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="The daemon's state folder.  [default: the service's as root, else the one of this user's daemon]",
    ),
]


@dataclass(frozen=True)
class _Target:
    """The daemon whose models are administered."""

    settings: Settings
    state: Path
    store: ModelStore


def _device(config: Path | None, state: Path | None) -> _Target:
    from edge.inference.store import ModelStore  # noqa: PLC0415

    settings = load_settings(config, {})
    root = Topics(settings.mqtt.base_topic, settings.mqtt.device).root
    state = state or administered_directory(root, os.environ)
    return _Target(settings, state, ModelStore(state))


@app.command("list")
def list_models(config: ConfigOption = None, state: StateOption = None, as_json: JsonFlag = False) -> None:  # noqa: FBT002  # typer's way
    """List the models that are shipped and added, and which is in use."""
    from edge.cli.model_table import rows, to_json, to_text  # noqa: PLC0415

    device = _device(config, state)
    found = rows(device.store, device.state, device.settings.emotion)
    if as_json:
        typer.echo(to_json(found))
    else:
        typer.echo(to_text(found))
        typer.echo(f"Added models are in {device.state / 'models'}.")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle's .tflite, its .json beside it.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call it.  [default: the file's name]")
    ] = None,
    config: ConfigOption = None,
    state: StateOption = None,
) -> None:
    """Check a model and copy it to where the daemon's models are."""
    from edge.cli.model_trial import try_on_a_face  # noqa: PLC0415
    from edge.inference.bundle import read_files  # noqa: PLC0415

    device = _device(config, state)
    files, name = read_files(file), name or file.stem  # as root: the service's user need not be able to read it
    device.store.check_name(name)
    typer.echo(try_on_a_face(files, other_owner(device.state)))
    with acting_as_owner(device.state):
        new = device.store.add(name, files)
    typer.echo(f"{name}: added; use it with: emotion-edge model use {name}" if new else f"{name}: is there already")


@app.command()
def use(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'model list' shows it.")],
    config: ConfigOption = None,
    state: StateOption = None,
) -> None:
    """Check a model, remember it as the one to use, and have a running daemon take it."""
    from edge.cli.model_switch import switch  # noqa: PLC0415
    from edge.cli.model_table import read_stored  # noqa: PLC0415
    from edge.cli.model_trial import try_on_a_face  # noqa: PLC0415

    device = _device(config, state)
    files = read_stored(device.store, device.state, name)
    typer.echo(try_on_a_face(files, other_owner(device.state)))
    if device.settings.emotion.model:
        typer.echo(
            f"note: the configuration names {device.settings.emotion.model}, which comes first: remove emotion.model"
        )
    typer.echo(switch(device.store, device.state, name, files.card.sha256))


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'model list' shows it.")],
    config: ConfigOption = None,
    state: StateOption = None,
) -> None:
    """Remove a model that was added."""
    device = _device(config, state)
    with acting_as_owner(device.state):
        device.store.remove(name)
    typer.echo(f"{name}: removed")
