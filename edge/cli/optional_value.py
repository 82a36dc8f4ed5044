"""An option whose value may be left out, which Typer does not know."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

PREVIEW = "--preview"


class CommandWithPreview(TyperCommand):
    """A command without arguments whose option `PREVIEW` may stand without a value, which is then an empty text."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line."""
        return super().parse_args(ctx, with_value(args, PREVIEW))


def with_value(args: list[str], option: str) -> list[str]:
    """Return arguments in which an option that stands at the end, or before another option, has an empty value."""
    return [
        f"{each}=" if each == option and (not following or following[0].startswith("-")) else each
        for index, each in enumerate(args)
        for following in [args[index + 1 : index + 2]]
    ]
