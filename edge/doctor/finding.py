"""What a check says, for a person and for a program."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

Status = Literal["ok", "warning", "broken"]

_COLOURS: dict[Status, str] = {"ok": "green", "warning": "yellow", "broken": "red"}


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    status: Status
    """``broken`` stops the daemon; ``warning`` makes it worse."""

    found: str
    cure: str | None = None
    """The command that mends it, or what to do where no command does; None where all is well."""


def exit_code(findings: Sequence[Finding]) -> int:
    """Give 1 where something is broken, else 0."""
    return int(any(finding.status == "broken" for finding in findings))


def to_json(findings: Sequence[Finding]) -> str:
    """Give the findings for a program: a list of objects with the fields of `Finding`."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


def table(findings: Sequence[Finding]) -> Table:
    """Give the findings for a person."""
    result = Table("", "check", "found", "cure")
    for one in findings:
        # Text, not str: paths and messages may hold what rich takes for markup.
        result.add_row(Text(one.status, _COLOURS[one.status]), one.name, Text(one.found), Text(one.cure or ""))
    return result


def pip_install(requirement: str) -> str:
    """Give the command that installs into the environment that runs us."""
    return f"{sys.executable} -m pip install '{requirement}'"
