"""Ctrl+C while a program loads its modules."""

from __future__ import annotations

import subprocess
import sys

_INTERRUPTED = """
import importlib.abc, os, signal, sys

class CtrlC(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "{imported}":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, CtrlC())
signal.signal(signal.SIGINT, signal.{handler})
from {program} import main
main()
"""


def interrupt(
    program: str, imported: str, *arguments: str, handler: str = "default_int_handler"
) -> subprocess.CompletedProcess[str]:
    """Run a program's `main`, interrupted when a module is imported, whatever became of Ctrl+C where the tests run."""
    code = _INTERRUPTED.format(program=program, imported=imported, handler=handler)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
