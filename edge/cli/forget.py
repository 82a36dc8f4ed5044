"""``emotion-edge forget``."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.options import BrokerOption, ConfigOption, PasswordFileOption, UserOption, broker_flags, load_settings


def forget(
    config: ConfigOption = None,
    broker: BrokerOption = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
    device: Annotated[str | None, typer.Option(metavar="NAME", help="Its name, if not that of the settings.")] = None,
) -> None:
    """Remove a stopped or renamed device from the broker. Home Assistant then removes it too."""
    settings = load_settings(config, {**broker_flags(config, broker, user, password_file), "mqtt.device": device})
    from edge.mqtt.forget import forget as clear  # noqa: PLC0415  # as in run

    name, address = settings.mqtt.device, settings.mqtt.broker
    if address.kind != "network":
        typer.echo(f"nothing to remove: mqtt.url is {address}, which keeps nothing")
        return
    forgotten = clear(settings)
    if forgotten.removed:
        typer.echo(f"{name}: removed from {address}: {', '.join(forgotten.removed)}")
    elif not forgotten.unseen:
        typer.echo(f"{name}: {address} keeps nothing of it")
    if forgotten.unseen:
        typer.echo(f"{name}: emptied without a look, as this user may not read there: {', '.join(forgotten.unseen)}")
