"""What the command ``emotion-edge`` calls: while the rest loads, Ctrl+C ends it at once, without a traceback."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def interrupt_ends_process() -> Iterator[None]:
    """Let Ctrl+C end the process at once, without a traceback: for the time in which a program loads its modules."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:  # else the caller ignores it, as nohup does
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, interrupt)


def main() -> None:
    """Load the command line and run it; that takes seconds on a small Pi."""
    with interrupt_ends_process():
        from edge.cli.main import main as run  # noqa: PLC0415  # not before: it imports the rest
    run()
