"""Modules of this project in a Python of their own."""

from __future__ import annotations

import sys
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
"""The folder that such a process is started in."""

_RUN = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def python(module: str, *arguments: object) -> list[str]:
    """Return the command line that runs a module with this Python.

    It takes modules from the installation and from this project alone: neither from the folder that it is started in,
    nor from where variables of the environment point.
    """
    return [sys.executable, "-I", "-c", _RUN, str(CHECKOUT), module, *map(str, arguments)]
