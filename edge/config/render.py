"""Settings as TOML text for people."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.config.tree import SECRET_FILES, Settings
from edge.redaction import redact, redact_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel


def show(settings: Settings) -> str:
    """Return the settings in force as TOML that `load` reads back, unless an address may hold a secret."""
    lines: list[str] = []
    for section, values in _sections(settings):
        lines.append(f"[{section}]")
        for name in type(values).model_fields:
            value = getattr(values, name)
            lines.append(f"# {name} =" if value is None else f"{name} = {_toml(name, value)}")
        lines.append("")
    return "\n".join(lines)


def example() -> str:
    """Return a TOML file with every key, its default and its reason, all commented out."""
    lines = ["# emotion-edge: every setting with its default. Remove the '#' before what you change.", ""]
    for section, values in _sections(Settings()):
        lines.append(f"[{section}]  # {type(values).__doc__}")
        for name, field in type(values).model_fields.items():
            lines += textwrap.wrap(field.description or "", 100, initial_indent="# ", subsequent_indent="# ")
            # The device's default is this host's name; the file may be for another host.
            default = None if field.default_factory else getattr(values, name)
            lines.append(f"# {name} =" if default is None else f"# {name} = {_toml(name, default)}")
        lines.append("")
    return "\n".join(lines)


def _sections(settings: Settings) -> Iterator[tuple[str, BaseModel]]:
    for name in Settings.model_fields:
        yield name, getattr(settings, name)


def _toml(name: str, value: Any) -> str:
    """Return a key's value as TOML. A JSON string or number is a TOML one, as no setting has a control character."""
    if not isinstance(value, str | Path):
        return json.dumps(value)
    shown = redact_file(str(value)) if name in SECRET_FILES else redact(str(value))
    return json.dumps(shown, ensure_ascii=False) + ("" if shown == str(value) else "  # not shown in full")
