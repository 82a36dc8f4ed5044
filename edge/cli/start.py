"""What the command ``emotion-edge`` calls: while the rest loads, Ctrl+C ends it at once, without a traceback."""

from __future__ import annotations

import importlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def load(module: str) -> Callable[..., None]:
    """Return the `main` of a module; Ctrl+C while it loads ends the process at once, without a traceback."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:  # else the caller ignores it, as nohup does
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        main: Callable[..., None] = importlib.import_module(module).main
    finally:
        signal.signal(signal.SIGINT, interrupt)
    return main


def main() -> None:
    """Load the command line and run it; that takes seconds on a small Pi."""
    load("edge.cli.main")()
