"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge import config, files
from edge.config.broker import with_user
from edge.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from edge.config import Settings

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help=f"TOML settings.  [default: {config.SYSTEM_FILE}, if there]"),
]
CameraOption = Annotated[
    str | None,
    typer.Option(
        "--camera",
        metavar="SPEC",
        help="auto | picamera2[:N] | /dev/videoN | a clip | a folder of images | rtsp://… | testcard",
    ),
]
BrokerOption = Annotated[
    str | None,
    typer.Option("--broker", metavar="URL", help="mqtt://[user@]host[:port] | mqtts://… | embedded | none"),
]
UserOption = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Who logs in to the broker, in place of the configured user."),
]
PasswordFileOption = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="The file that holds that user's password.")
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="FILE", help="A bundle's .tflite.  [default: the shipped one]")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def load_settings(file: Path | None, flags: dict[str, Any]) -> Settings:
    """Return the settings: defaults, then the file, the environment and the flags.

    Raises:
        ConfigError: One of them is wrong.
    """
    return config.load(file, os.environ, flags)


def broker_flags(file: Path | None, broker: str | None, user: str | None, password_file: Path | None) -> dict[str, Any]:
    """Return the flags for `load_settings` that say which broker, and who logs in there.

    Args:
        file: The settings, whose broker it is unless `broker` names another.
        broker: Its address.
        user: In place of the user in the address.
        password_file: Holds that user's password.

    Raises:
        ConfigError: The broker takes no user, or the settings are wrong.
    """
    if user:
        try:
            broker = with_user(broker or load_settings(file, {}).mqtt.url, user)
        except ValueError as error:
            message = f"--user: {error}"
            raise ConfigError(message) from None
    return {"mqtt.url": broker, "mqtt.password_file": password_file}


STDOUT = Path("-")
"""Names standard output, where an option takes a file to write."""


def writable(file: Path | None) -> Path | None:
    """Return the file that an option names, for its `callback`: it is checked before the work whose result it gets.

    Raises:
        OutputError: It cannot be written; ``-`` is not taken for a file's name.
    """
    if file == STDOUT:
        message = "-: this option does not write to standard output; name a file"
        raise OutputError(message)
    if file:
        files.check_writable(file)
    return file


def writable_or_stdout(file: Path | None) -> Path | None:
    """Return the file that an option names, or `STDOUT`, for its `callback`.

    Raises:
        OutputError: As of `writable`.
    """
    return file if file == STDOUT else writable(file)


def writable_png(file: Path | None) -> Path | None:
    """Return the picture that an option names, for its `callback`: it is checked before the work that draws it.

    Raises:
        OutputError: Its name does not end in ``.png``, or it cannot be written.
    """
    if file:
        files.check_png_writable(file)
    return file


def settings_file(file: Path | None) -> Path | None:
    """Return the file that the settings come from: the one that is named, or the system's if it is there."""
    return file or config.system_file()


JsonFileOption = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", callback=writable_or_stdout, help="Write the figures there too; - prints them alone."
    ),
]
