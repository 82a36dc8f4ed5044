"""``emotion-edge model list | add FILE | use NAME | remove NAME``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  # typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.encoding import write_utf8
from edge.cli.options import ConfigOption, JsonFlag, load_settings, settings_file
from edge.config import SYSTEM_FILE
from edge.errors import ConfigError
from edge.system.directories import SERVICE_STATE, administered_directory
from edge.system.owner import acting_as_owner, other_owner
from edge.wire.topics import Topics

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.inference.store import ModelStore

# The store needs the TFLite runtime: it is imported where it is used, not for --help.

app = typer.Typer(help="List, add, choose or remove models of this device.", no_args_is_help=True)

_INSTANCE = re.compile("[A-Za-z0-9][A-Za-z0-9_-]*")

InstanceOption = Annotated[
    str | None, typer.Option("--instance", metavar="NAME", help="The models of the service emotion-edge@NAME.")
]


@dataclass(frozen=True)
class _Target:
    """The daemon whose models are administered."""

    settings: Settings
    state: Path
    store: ModelStore


def _target(config: Path | None, instance: str | None) -> _Target:
    from edge.doctor.files import instance_of  # noqa: PLC0415
    from edge.inference.store import ModelStore  # noqa: PLC0415

    if instance is not None:
        if not _INSTANCE.fullmatch(instance):
            message = f"{instance}: not the name of an instance; write what stands between @ and .service"
            raise ConfigError(message)
        config = config or SYSTEM_FILE.with_name(f"{instance}.toml")
    settings = load_settings(config, {})
    instance = instance or instance_of(settings_file(config))
    root = Topics(settings.mqtt.base_topic, settings.mqtt.device).root
    state = administered_directory(root, os.environ, instance)
    try:
        with os.scandir(state):
            pass
    except PermissionError as error:
        message = f"{state}: {error.strerror}: the daemon's models are there; use sudo"
        raise ConfigError(message) from None
    except OSError:
        pass  # no daemon has run yet
    if "STATE_DIRECTORY" not in os.environ and SERVICE_STATE.exists() and SERVICE_STATE not in (state, state.parent):
        typer.echo(
            "note: these are the models of your own daemon; for those of the service: sudo emotion-edge model", err=True
        )
    return _Target(settings, state, ModelStore(state))


@app.command("list")
def list_models(config: ConfigOption = None, instance: InstanceOption = None, as_json: JsonFlag = False) -> None:  # noqa: FBT002  # typer's way
    """List the models that are shipped and added, and which is in use."""
    from edge.cli.model_table import rows, to_json, to_text  # noqa: PLC0415

    target = _target(config, instance)
    found = rows(target.store, target.state, target.settings.emotion)
    if as_json:
        write_utf8()
        typer.echo(to_json(found))
    else:
        typer.echo(to_text(found))
        typer.echo(f"Added models are in {target.state / 'models'}.")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle's .tflite, its .json beside it.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call it.  [default: the file's name]")
    ] = None,
    config: ConfigOption = None,
    instance: InstanceOption = None,
) -> None:
    """Check a model and copy it to where the daemon's models are."""
    from edge.cli.model_trial import try_on_a_face  # noqa: PLC0415
    from edge.inference.bundle import read_files  # noqa: PLC0415

    target = _target(config, instance)
    files, name = read_files(file), name or file.stem  # as root: the service's user need not be able to read it
    target.store.check_name(name)
    typer.echo(try_on_a_face(files, other_owner(target.state)))
    with acting_as_owner(target.state):
        new = target.store.add(name, files)
    typer.echo(f"{name}: added; use it with: emotion-edge model use {name}" if new else f"{name}: is there already")


@app.command()
def use(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'model list' shows it.")],
    config: ConfigOption = None,
    instance: InstanceOption = None,
) -> None:
    """Check a model, choose it, and have a running daemon take it."""
    from edge.cli.model_switch import switch  # noqa: PLC0415
    from edge.cli.model_table import read_stored  # noqa: PLC0415
    from edge.cli.model_trial import try_on_a_face  # noqa: PLC0415

    target = _target(config, instance)
    files = read_stored(target.store, target.state, name)
    typer.echo(try_on_a_face(files, other_owner(target.state)))
    if target.settings.emotion.model:
        typer.echo(
            f"note: the configuration names {target.settings.emotion.model}, which comes first: remove emotion.model"
        )
    typer.echo(switch(target.store, target.state, name, files.card.sha256))


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'model list' shows it.")],
    config: ConfigOption = None,
    instance: InstanceOption = None,
) -> None:
    """Remove a model that was added."""
    target = _target(config, instance)
    with acting_as_owner(target.state):
        target.store.remove(name)
    typer.echo(f"{name}: removed")
