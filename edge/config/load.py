"""Merge the sources, validate the result, and say where each mistake is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from edge.config.broker import parse_broker
from edge.config.mistakes import Keys, explain
from edge.config.toml import read_toml, shown_name
from edge.config.tree import Settings
from edge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEM_FILE = Path("/etc/emotion-edge/config.toml")
"""Read if no file is named and this one exists."""

_FLAGS = "command line"

ENV_PREFIX = "EMOTION_EDGE_"

_Tree = dict[str, dict[str, Any]]


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Return the settings in force: defaults < file < environment < flags.

    Args:
        file: A TOML file, or None for `SYSTEM_FILE` where it exists.
        environ: ``EMOTION_EDGE_SECTION__KEY`` variables; others are ignored.
        flags: ``section.key`` to value; None values are ignored.

    Raises:
        ConfigError: With one line per mistake: where, which key, which value, what is allowed.
    """
    merged: _Tree = {}
    origin: dict[Keys, str] = {}
    configured: Any = None  # the broker, before a flag names another
    for name, tree in (
        _from_file(file),
        ("environment", _from_environment(environ)),
        (_FLAGS, _from_flags(flags)),
    ):
        for section, values in tree.items():
            if not isinstance(values, dict):
                merged[section] = values
                origin[section,] = name
                continue
            target = merged.setdefault(section, {})
            if section == "hooks":  # a table, beside the right list of the file
                merged[section], origin[section,] = values, name
                continue
            if not isinstance(target, dict):  # wrong in the file, which is reported
                continue
            for key, value in values.items():
                if (name, section, key) == (_FLAGS, "mqtt", "url"):
                    configured = target.get(key, Settings().mqtt.url)
                target[key] = value
                origin[section, key] = name
            origin.setdefault((section,), name)
    _drop_credentials_of_another(merged.get("mqtt"), configured, origin)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(explain(error, origin)) from None


def system_file() -> Path | None:
    """Return `SYSTEM_FILE`; None where there is none. In a folder that is closed to this user it may be there."""
    try:
        SYSTEM_FILE.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # reading it says why
    return SYSTEM_FILE


def _drop_credentials_of_another(mqtt: Any, configured: Any, origin: Mapping[Keys, str]) -> None:
    """Remove the configured broker's password and certificates if a flag names another host, or has no use for them.

    Another host would be sent a password that is not its own. And ``--broker embedded`` would be a mistake wherever the
    configuration names a password.
    """
    if not isinstance(mqtt, dict) or origin.get(("mqtt", "url")) != _FLAGS or not isinstance(mqtt["url"], str):
        return
    try:
        broker = parse_broker(mqtt["url"])
    except ValueError:  # which is reported
        return
    is_same = broker.host == _host(configured)
    unused = [] if broker.user and is_same else ["password_file"]
    unused += [] if broker.tls and is_same else ["cert_file", "key_file"]
    unused += [] if broker.tls else ["ca_file"]
    for key in unused:
        if origin.get(("mqtt", key)) != _FLAGS:
            mqtt.pop(key, None)


def _host(url: Any) -> str | None:
    try:
        return parse_broker(url).host if isinstance(url, str) else None
    except ValueError:
        return None


def _from_file(file: Path | None) -> tuple[str, _Tree]:
    file = file or system_file()
    if file is None:
        return "", {}
    return shown_name(file), read_toml(file)


def _from_environment(environ: Mapping[str, str]) -> _Tree:
    tree: _Tree = {}
    for variable, value in environ.items():
        if variable.startswith(ENV_PREFIX) and "__" in variable:
            section, _, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
            tree.setdefault(section, {})[key] = value
    return tree


def _from_flags(flags: Mapping[str, Any]) -> _Tree:
    tree: _Tree = {}
    for name, value in flags.items():
        if value is not None:
            section, _, key = name.partition(".")
            tree.setdefault(section, {})[key] = value
    return tree
