"""Check of the hooks: can whoever runs the daemon start their programs?"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from edge.system import service
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.config import HookConfig


def hook_problems(hooks: Sequence[HookConfig], user: str | None) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with each hook's program or the files that its arguments name, and what to do.

    Args:
        hooks: Those of the configuration.
        user: The service's, as whom this process runs; None: whoever started it.
    """
    for number, hook in enumerate(hooks, 1):
        if not hook.command:
            continue
        for argument in hook.command:
            hidden = service.hidden_by(Path(argument)) if user and argument.startswith("/") else None
            if hidden:
                found = f"hook {number}: {printable(argument, 80)}: the service does not see {hidden[0]}"
                yield f"{found} ({hidden[1]} in its unit)", "move it to /usr/local/lib, and correct command"
                break
        else:
            if shutil.which(hook.command[0]) is None:
                found = f"hook {number}: {printable(hook.command[0], 80)}: there is no such program"
                yield f"{found} that {user or 'this user'} may start", "correct command, or chmod a+x the file"
