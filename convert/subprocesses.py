"""Modules of this project in a Python of their own."""

from __future__ import annotations

import sys
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
"""The folder that such a process has to start in, to find them."""


def python(module: str, *arguments: object) -> list[str]:
    """Return the command line that runs a module with this Python."""
    return [sys.executable, "-m", module, *map(str, arguments)]
