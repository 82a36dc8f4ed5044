"""What `run` refuses before it opens a camera, a broker or the outbox."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edge.camera.source import check_source
from edge.daemon.lsl import load_pylsl
from edge.daemon.reload import load_model
from edge.doctor import instance_of
from edge.errors import OutputError
from edge.files import is_there
from edge.inference.store import ModelStore
from edge.mqtt.credentials import credentials
from edge.mqtt.embedded_broker import load_amqtt
from edge.preview.token import FILE as TOKEN
from edge.preview.token import required_token
from edge.system.directories import administered_directory
from edge.wire.topics import Topics

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Settings
    from edge.doctor import Reader


class _UnchangedStore(ModelStore):
    """A store in which a chosen bundle that cannot be used stays chosen."""

    def go_back(self) -> str:
        message = "a check changes nothing"
        raise OutputError(message)


def check_start(settings: Settings, file: Path | None, reader: Reader) -> None:
    """Check the settings as `run` does, in its order. Nothing is opened or written.

    Args:
        settings: Those in force.
        file: The file that they come from, if there is one.
        reader: Who reads the files that they name, and the password that systemd hands on.

    Raises:
        EdgeError: `run` would end with this error, or a running daemon refuse to reload.
    """
    mqtt, preview = settings.mqtt, settings.preview
    check_source(settings.camera.source)
    root = Topics(mqtt.base_topic, mqtt.device).root
    state = administered_directory(root, os.environ, instance_of(file))
    load_model(settings, _UnchangedStore(state))
    if mqtt.broker.kind == "network":
        credentials(mqtt.model_copy(update={"password_file": None}) if reader.password else mqtt)
    if mqtt.broker.kind == "embedded":
        load_amqtt()
    if settings.lsl.enabled:
        load_pylsl()
    if preview.enabled and (preview.token_file or is_there(state / TOKEN)):  # else `run` makes a token
        required_token(preview, state)
