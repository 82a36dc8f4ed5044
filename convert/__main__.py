"""``python -m convert``, whose commands are in `convert.commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.cli.start import load

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the command line, which takes seconds, and run it."""
    load("convert.commands")(arguments)


if __name__ == "__main__":
    main()
