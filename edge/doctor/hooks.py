"""Check of the hooks: can whoever runs the daemon start their programs?"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from edge.files import is_there
from edge.system import service
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.config import HookConfig
    from edge.doctor.finding import Status


def hook_problems(hooks: Sequence[HookConfig], user: str | None) -> Iterator[tuple[Status, str, str]]:
    """Yield what is wrong with each hook's program or the files that its arguments name, and what to do.

    Args:
        hooks: Those of the configuration.
        user: The service's, as whom this process runs; None: whoever started it.
    """
    for number, hook in enumerate(hooks, 1):
        if hook.command:
            for status, found, fix in _problems(hook.command, user):
                yield status, f"hook {number}: {found}", fix


def _problems(command: Sequence[str], user: str | None) -> Iterator[tuple[Status, str, str]]:
    if not _hidden(command[0], user) and shutil.which(command[0]) is None:
        found = f"{printable(command[0], 80)}: there is no such program that {user or 'this user'} may start"
        yield "broken", found, "correct command, or chmod a+x the file"
    for place, argument in enumerate(command):
        hidden = _hidden(argument, user)
        if not hidden:
            continue
        folder, directive = hidden
        shown = printable(argument, 80)
        if place == 0 or directive != service.PRIVATE_TMP:
            found = f"{shown}: the service does not see {folder} ({directive} in its unit)"
            yield "broken", found, "move it to /usr/local/lib, and correct command"
        elif is_there(Path(argument)):  # else the hook may make it
            found = f"{shown}: the service does not see this file: its {folder} is its own ({directive} in its unit)"
            yield "warning", found, "if the hook reads it, move it to /usr/local/lib, and correct command"


def _hidden(argument: str, user: str | None) -> tuple[str, str] | None:
    return service.hidden_by(Path(argument)) if user and argument.startswith("/") else None
