"""Settings as TOML text for people."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.config.hooks import HookConfig
from edge.config.tree import SECRET_FILES, Settings
from edge.redaction import redact, redact_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.config.section import Section


def show(settings: Settings) -> str:
    """Return the settings in force as TOML that `load` reads back, unless an address may hold a secret."""
    lines: list[str] = []
    for section, values in settings.sections():
        lines += [f"[{section}]", *_shown(values), ""]
    for hook in settings.hooks:
        lines += ["[[hooks]]", *_shown(hook), ""]
    return "\n".join(lines)


def _shown(values: Section) -> Iterator[str]:
    for name in type(values).model_fields:
        value = getattr(values, name)
        yield f"# {name} =" if value is None else f"{name} = {_toml(name, value)}"


def example() -> str:
    """Return a TOML file with every key, its default and its reason, all commented out."""
    lines = ["# emotion-edge: every setting with its default. Remove the '#' before what you change.", ""]
    for section, values in Settings().sections():
        lines += [f"[{section}]  # {type(values).__doc__}", *_explained(values), ""]
    # Its header would already be one more hook.
    lines += [f"# [[hooks]]  # {HookConfig.__doc__}", *_explained(HookConfig), ""]
    return "\n".join(lines)


def _explained(section: Section | type[Section]) -> Iterator[str]:
    fields = (section if isinstance(section, type) else type(section)).model_fields
    for name, field in fields.items():
        yield from textwrap.wrap(field.description or "", 100, initial_indent="# ", subsequent_indent="# ")
        # The device's default is this host's name; the file may be for another host.
        default = None if field.default_factory or field.is_required() else field.default
        yield f"# {name} =" if default is None else f"# {name} = {_toml(name, default)}"


def _toml(name: str, value: Any) -> str:
    """Return a key's value as TOML. A JSON string or number is a TOML one, as no setting has a control character."""
    if isinstance(value, tuple):
        shown = tuple(map(redact, value))
        return json.dumps(shown, ensure_ascii=False) + _mark(shown, value)
    if not isinstance(value, str | Path):
        return json.dumps(value)
    text = redact_file(str(value)) if name in SECRET_FILES else redact(str(value))
    return json.dumps(text, ensure_ascii=False) + _mark(text, str(value))


def _mark(shown: object, value: object) -> str:
    return "" if shown == value else "  # not shown in full"
