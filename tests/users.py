"""Rights of other users, for tests that root may run too."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOBODY = 65534


@contextlib.contextmanager
def as_any_user() -> Iterator[None]:
    """Have the rights of a user who owns nothing, if root runs the tests; else one's own."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
