"""Describe a mistake in the configuration: where it is, which value it is, and what is allowed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from edge.config.hooks import HookConfig
from edge.config.tree import SECRET_FILES, Settings
from edge.frozen import requirement
from edge.redaction import redact
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_MOST = 20
"""Lines; a file of another kind has a mistake in each of its lines."""

_KEY, _VALUE = 40, 80
"""Characters shown of a key and of a value."""

Keys = tuple[str, ...]


def explain(error: ValidationError, origin: Mapping[Keys, str]) -> str:
    """Return a line for each mistake: source, key, value, and what is allowed.

    Args:
        error: As pydantic found them.
        origin: Which source each section and key is from.
    """
    problems = error.errors(include_url=False)
    lines = [_explain(problem, origin) for problem in problems[:_MOST]]
    if len(problems) > _MOST:
        lines.append(f"and {len(problems) - _MOST} more")
    return "\n".join(lines)


def _explain(problem: ErrorDetails, origin: Mapping[Keys, str]) -> str:
    keys = tuple(str(part) for part in problem["loc"])
    place = origin.get(keys[:2]) or origin.get(keys[:1], "configuration")
    name = _name(keys)
    if problem["type"] == "extra_forbidden":
        return f"{place}: {name}: there is no such {'section' if len(keys) == 1 else 'key'}{_suggest(keys)}"
    known = problem["type"] != "missing" and keys[-1] not in SECRET_FILES
    shown = _shown(problem["input"]) if known else ""
    return f"{place}: {name}:{shown and f' {shown}:'} {requirement(problem)}"


def _name(keys: Keys) -> str:
    """Return a key with its section: ``camera.fps``, or ``hook 2: url``, which people count from 1."""
    shown = [printable(redact(key), _KEY) for key in keys]
    if keys[0] == "hooks" and len(keys) > 1:
        return ": ".join([f"hook {int(keys[1]) + 1}", *([".".join(shown[2:])] if len(keys) > 2 else [])])
    return ".".join(shown)


def _shown(value: object) -> str:
    """Return what may be shown of a refused value; nothing of a table or a list, which may be large."""
    match value:
        case str():
            return repr(printable(redact(value), _VALUE))
        case int() if value.bit_length() > 64:  # Python refuses to print more than 4,300 digits
            return "a number of more than 19 digits"
        case list():
            return "a list"
        case dict():
            return ""
        case _:
            return printable(redact(str(value)), _VALUE)


def _suggest(keys: Keys) -> str:
    known = list(Settings.model_fields)
    if len(keys) > 1:
        section = HookConfig if keys[0] == "hooks" else Settings.model_fields[keys[0]].annotation
        known = list(getattr(section, "model_fields", {}))
    near = difflib.get_close_matches(keys[-1][:_KEY], known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
