"""Check of the files that the configuration names: can whoever runs the daemon read them?"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.camera.source import SourceKind, parse_source
from edge.config import SYSTEM_FILE
from edge.doctor.finding import Finding
from edge.doctor.hooks import hook_problems
from edge.errors import EdgeError
from edge.redaction import redact, redact_file
from edge.system import service
from edge.system.directories import SERVICE_STATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.config import Settings
    from edge.doctor.finding import Status

_NAME = "files"
_PASSWORD = "mqtt.password_file"  # noqa: S105  # a key's name
_TOKEN = "preview.token_file"  # noqa: S105  # the same
_CAMERA = "camera.source"
_ASK_ROOT = "sudo emotion-edge doctor  # checks as the service's user"


@dataclass(frozen=True)
class Reader:
    """Who reads the files."""

    service: str | None = None
    """The service's user, as whom this process goes on; None: whoever started it."""

    password: str | None = None
    """The broker's, as systemd hands it on to the service."""

    installed: bool = False
    """Whether the service is installed."""


def become_service_user(settings: Settings | None) -> Reader:
    """Have this process go on as the service's user, if root started it and the service is installed.

    Args:
        settings: Those in force; they may name a password that systemd hands on, which root alone can read now.
    """
    user = service.installed_user()
    if os.geteuid() != 0:
        return Reader(installed=user is not None)
    file = settings.mqtt.password_file if settings else None
    password = service.password_from_systemd(file) if file else None
    became = user is not None and service.drop_privileges(user)
    return Reader(user.pw_name if user and became else None, password, installed=user is not None)


def files(settings: Settings, configuration: Path | None, reader: Reader) -> Finding:
    """Return whether the reader can read every file that the configuration names, and it, and start what it names.

    Args:
        settings: Those in force.
        configuration: The file that they come from, if there is one.
        reader: Who reads them.
    """
    problems = list(_problems(settings, configuration, reader))
    if reader.installed and not reader.service and os.geteuid() == 0:
        found = "checked as root: the service's user cannot read this program to check as itself"
        problems.append(("warning", found, "sudo /usr/local/bin/emotion-edge doctor"))
    if not problems:
        return Finding(_NAME, "ok", f"can be read by {reader.service or 'this user'}")
    status: Status = "broken" if any(status == "broken" for status, _, _ in problems) else "warning"
    return Finding(
        _NAME, status, "\n".join(found for _, found, _ in problems), "\n".join(fix for _, _, fix in problems)
    )


def instance_of(configuration: Path | None) -> str | None:
    """Return the instance of the service that a configuration is for, as the unit names it; None: the one without."""
    if configuration and configuration.parent == SYSTEM_FILE.parent and configuration != SYSTEM_FILE:
        return configuration.stem
    return None


def _problems(settings: Settings, configuration: Path | None, reader: Reader) -> Iterator[tuple[Status, str, str]]:
    mqtt, model = settings.mqtt, settings.emotion.model
    named = {
        "configuration": configuration,
        _PASSWORD: mqtt.password_file,
        "mqtt.ca_file": mqtt.ca_file,
        "mqtt.cert_file": mqtt.cert_file,
        "mqtt.key_file": mqtt.key_file,
        _TOKEN: settings.preview.token_file if settings.preview.enabled else None,
        "emotion.model": model,
        "the model's card": model and model.name and model.with_suffix(".json"),
        _CAMERA: _clip(settings.camera.source) if reader.service else None,  # else the check of the camera opens it
    }
    for key, file in named.items():
        if file and (problem := _problem(key, file, reader, instance_of(configuration))):
            yield problem
    if configuration and (problem := _secret_problem(configuration, settings)):
        yield problem
    yield from hook_problems(settings.hooks, reader.service)
    outbox = settings.outbox.path
    if reader.service and outbox and not outbox.is_relative_to(SERVICE_STATE):
        found = f"outbox.path: {outbox}: the service may write below {SERVICE_STATE} alone"
        yield "broken", found, f"write a path below {SERVICE_STATE}, or leave outbox.path out"


def _secret_problem(configuration: Path, settings: Settings) -> tuple[Status, str, str] | None:
    """Return that everyone can read an address that `config show` does not show in full, and what to do.

    Of cameras and webhooks alone: a broker's holds no password.
    """
    addresses = [settings.camera.source, *(hook.url for hook in settings.hooks if hook.url)]
    if all(redact(address) == address for address in addresses) or not _is_public(configuration):
        return None
    shown = redact(str(configuration))
    found = f"configuration: {shown}: everyone on this machine can read it, and an address in it may hold a secret"
    if configuration.parent == SYSTEM_FILE.parent:
        return "warning", found, f"sudo chgrp {service.USER} '{shown}' && sudo chmod 0640 '{shown}'"
    return "warning", found, f"chmod o-r '{shown}'"


def _is_public(file: Path) -> bool:
    """Return whether every user can read a file; False where that cannot be found out."""
    real = file.resolve()
    try:
        reached = all(folder.stat().st_mode & stat.S_IXOTH for folder in real.parents)
        return reached and bool(real.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _problem(key: str, file: Path, reader: Reader, instance: str | None) -> tuple[Status, str, str] | None:
    """Return what is wrong with a file, and what to do; None if it can be read."""
    shown = redact_file(str(file)) if key in {_PASSWORD, _TOKEN} else redact(str(file))
    if key == _PASSWORD and file.is_relative_to(service.CREDENTIALS):
        return _credential_problem(file, reader)
    if reader.service and (hidden := service.hidden_by(file)):
        found = f"{key}: {shown}: the service does not see {hidden[0]} ({hidden[1]} in its unit)"
        return "broken", found, f"move it to /etc/emotion-edge, where {reader.service} can read it, and correct {key}"
    if os.access(file, os.R_OK):
        return None
    try:
        about = file.stat()
    except PermissionError:
        why = "it is in a folder that"
    except OSError as error:
        return "broken", f"{key}: {shown}: {error.strerror}", f"correct {key}"
    else:
        why = f"it belongs to {_owner(about.st_uid)} (mode {stat.S_IMODE(about.st_mode):04o}), and"
    who = f"the service's user {reader.service}" if reader.service else "this user"
    found = f"{key}: {shown}: {why} {who} cannot read"
    if not reader.service and reader.installed:
        return "warning", found, _ASK_ROOT
    return "broken", found, _fix(key, shown, reader, instance)


def _fix(key: str, shown: str, reader: Reader, instance: str | None) -> str:
    if key == _PASSWORD and reader.service:
        credential = service.password_file(instance)
        return (
            f"sudo install -D -m 0600 '{shown}' {service.password_source(credential)}  "
            f'# and write password_file = "{credential}"'
        )
    group = reader.service or _group()
    return f"sudo chgrp {group} '{shown}' && sudo chmod g+r '{shown}'"


def _credential_problem(file: Path, reader: Reader) -> tuple[Status, str, str] | None:
    """Return what is wrong with a password that systemd hands on."""
    if reader.password is not None or os.access(file, os.R_OK):
        return None
    if os.geteuid() != 0 and not reader.service:
        found = f"{_PASSWORD}: {file}: a credential of systemd, which root and the service alone can read"
        return "warning", found, _ASK_ROOT
    source = service.password_source(file)
    found = f"{_PASSWORD}: systemd takes it from {source}, which is missing or empty"
    return (
        "broken",
        found,
        f"sudo install -D -m 0600 FILE {source}  # FILE holds the password; then restart the service",
    )


def _clip(source: str) -> Path | None:
    try:
        parsed = parse_source(source)
    except EdgeError:
        return None  # the check of the camera says so
    return parsed.path if parsed.kind is SourceKind.FILE else None


def _group() -> str:
    """Return this user's group: its number where it has no name, as in a container."""
    try:
        return grp.getgrgid(os.getegid()).gr_name
    except KeyError:
        return str(os.getegid())


def _owner(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
