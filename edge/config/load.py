"""Merge the sources, validate the result, and say where each mistake is."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from edge.config.tree import Settings
from edge.errors import ConfigError
from edge.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

SYSTEM_FILE = Path("/etc/emotion-edge/config.toml")
"""Read if no file is named and this one exists."""

ENV_PREFIX = "EMOTION_EDGE_"

_Tree = dict[str, dict[str, Any]]
_Key = tuple[str, ...]


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
    origin: dict[_Key, str] = {}
    for name, tree in (
        _from_file(file),
        ("environment", _from_environment(environ)),
        ("command line", _from_flags(flags)),
    ):
        for section, values in tree.items():
            if not isinstance(values, dict):
                merged[section] = values
                origin[section,] = name
                continue
            target = merged.setdefault(section, {})
            if not isinstance(target, dict):  # wrong in the file, which is reported
                continue
            for key, value in values.items():
                target[key] = value
                origin[section, key] = name
            origin.setdefault((section,), name)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(problem, origin) for problem in error.errors())) from None


def _from_file(file: Path | None) -> tuple[str, _Tree]:
    if file is None:
        if not SYSTEM_FILE.exists():
            return "", {}
        file = SYSTEM_FILE
    try:
        return str(file), tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{file}: {error.strerror}"
        raise ConfigError(message) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{file}: not TOML: {error}"
        raise ConfigError(message) from None


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


def _explain(problem: ErrorDetails, origin: dict[_Key, str]) -> str:
    keys = tuple(str(part) for part in problem["loc"])
    place = origin.get(keys[:2]) or origin.get(keys[:1], "configuration")
    name = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        return f"{place}: {name}: there is no such {'section' if len(keys) == 1 else 'key'}{_suggest(keys)}"
    value = problem["input"]
    # A section's own mistake has no single value; a password in an address is not repeated.
    shown = "" if isinstance(value, dict) and len(keys) < 2 else f" {_shown(value)}:"
    return f"{place}: {name}:{shown} {problem['msg'].removeprefix('Value error, ')}"


def _shown(value: object) -> str:
    return repr(redact(value)) if isinstance(value, str) else repr(value)


def _suggest(keys: _Key) -> str:
    fields = Settings.model_fields
    known = list(fields)
    if len(keys) > 1:
        section = fields[keys[0]].annotation
        known = list(getattr(section, "model_fields", {}))
    near = difflib.get_close_matches(keys[-1], known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
