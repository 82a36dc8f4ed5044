"""``python -m train``, whose commands are in `train.commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.cli.start import interrupt_ends_process

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the command line, which takes seconds, and run it."""
    with interrupt_ends_process():
        from train.commands import main as run  # noqa: PLC0415  # as in edge.cli.start
    run(arguments)


if __name__ == "__main__":
    main()
