"""The result of a check, for a person and for a program."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from rich.table import Table
from rich.text import Text

from edge.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Sequence

Status = Literal["ok", "warning", "broken"]

_COLOURS: dict[Status, str] = {"ok": "green", "warning": "yellow", "broken": "red"}


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    name: str
    status: Status
    """``broken``: the daemon cannot run; ``warning``: it runs worse."""

    found: str
    fix: str | None = None
    """The command that fixes it, or what to do if no command does; None if all is well."""


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 1 if something is broken, else 0."""
    return int(any(finding.status == "broken" for finding in findings))


def to_json(findings: Sequence[Finding]) -> str:
    """Return the findings as JSON: a list of objects with the fields of `Finding`."""
    return json.dumps([asdict(_redacted(finding)) for finding in findings], indent=2, ensure_ascii=False)


def table(findings: Sequence[Finding]) -> Table:
    """Return what was found as a table for a terminal."""
    result = Table("", "check")
    result.add_column("found", overflow="fold")
    for one in map(_redacted, findings):
        # Text, not str: paths and messages may hold what rich reads as markup.
        result.add_row(Text(one.status, _COLOURS[one.status]), one.name, Text(one.found, overflow="fold"))
    return result


def advice(findings: Sequence[Finding]) -> list[Text]:
    """Return what to do, a line for each check that is not fine; to be printed without wraps, for it is copied."""
    return [
        Text.assemble((f"{one.name}: ", _COLOURS[one.status]), one.fix) for one in map(_redacted, findings) if one.fix
    ]


def _redacted(finding: Finding) -> Finding:
    """Return the finding without what may be a secret in an address, whichever library's error it quotes."""
    return replace(finding, found=redact_text(finding.found), fix=finding.fix and redact_text(finding.fix))
