"""What the command ``emotion-edge`` calls: while the rest loads, Ctrl+C ends it at once, without a traceback."""

from __future__ import annotations

import signal


def main() -> None:
    """Load the command line and run it; that takes seconds on a small Pi."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:  # else the caller ignores it, as nohup does
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from edge.cli.main import main as run  # noqa: PLC0415  # not before the line above

    signal.signal(signal.SIGINT, interrupt)
    run()
