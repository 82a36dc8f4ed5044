"""How a command line is parsed and run: its errors quote no secret, and a reader may leave."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from edge.redaction import redact_text
from edge.streams import drop_output

if TYPE_CHECKING:
    from collections.abc import Iterator

_UsageError: Any = typer.BadParameter.__bases__[0]
"""Click's class. Newer versions of Typer bring a copy of Click, under a private name."""


class CommandGroup(TyperGroup):
    """A group of commands whose usage errors quote no secret, and whose output need not be read to its end."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the arguments before the command's name."""
        with _redacted(), _end_on_broken_pipe():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the command's own arguments, and run it."""
        with _redacted(), _end_on_broken_pipe():
            return super().invoke(*args, **kwargs)


def redact_message(text: str, *, quotes_any: bool = False) -> str:
    """Return a message without the secrets of the addresses in it and in the command line.

    Args:
        text: The message.
        quotes_any: Whether it may quote any argument. Else those that hold no ``@`` nor ``//`` are names of files, in
            which a ``:`` is no sign of a password.
    """
    arguments = [*sys.argv[1:], *(each.partition("=")[2] for each in sys.argv[1:] if each.startswith("-"))]
    return redact_text(text, (each for each in arguments if quotes_any or "@" in each or "//" in each))


@contextmanager
def _end_on_broken_pipe() -> Iterator[None]:
    """End the command with 0 if the reader of standard output leaves; Click's own code for that is 1, a defect's."""
    try:
        yield
    except BrokenPipeError:
        drop_output()
        raise typer.Exit from None


@contextmanager
def _redacted() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        error.message = redact_message(error.message, quotes_any=True)
        raise
