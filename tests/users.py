"""Rights of other users, for tests that root may run too."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NOBODY = 65534


@contextlib.contextmanager
def as_any_user() -> Iterator[None]:
    """Have the rights of a user who owns nothing, if root runs the tests; else one's own."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def run_as_any_user(command: Sequence[str | Path], said: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command from the root folder with the rights of `as_any_user`, and what is said on its standard input."""
    user = NOBODY if os.geteuid() == 0 else None
    return subprocess.run(
        command,
        input=said,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
