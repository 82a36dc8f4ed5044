"""Ctrl+C while the command line loads, which takes seconds on a small Pi."""

from __future__ import annotations

import signal
import subprocess
import sys

_INTERRUPTED = """
import importlib.abc, os, signal, sys

class CtrlC(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, CtrlC())
signal.signal(signal.SIGINT, signal.{handler})
from edge.cli.start import main
main()
"""


def _interrupt(module: str, *arguments: str, handler: str = "default_int_handler") -> subprocess.CompletedProcess[str]:
    """Run the command line, interrupted when it imports a module, whatever became of Ctrl+C where the tests run."""
    code = _INTERRUPTED.format(module=module, handler=handler)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_ctrl_c_ends_the_loading_without_a_traceback() -> None:
    ran = _interrupt("typer")
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_ends_the_command_in_good_order() -> None:
    ran = _interrupt("edge.doctor", "doctor")
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (130, "", False)


def test_ctrl_c_that_the_caller_ignores_stays_ignored() -> None:
    ran = _interrupt("typer", "--version", handler="SIG_IGN")
    assert (ran.returncode, ran.stdout.startswith("emotion-edge ")) == (0, True)
