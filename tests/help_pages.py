"""What ``--help`` says of each command of a command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
import typer.main

if TYPE_CHECKING:
    from collections.abc import Iterator

_COLUMNS = 80


@dataclass(frozen=True)
class HelpPage:
    """The help of one command."""

    command: str
    text: str
    explanations: tuple[str, ...]
    """What the code says of each option and argument."""


def help_pages(app: typer.Typer, name: str) -> list[HelpPage]:
    """Return the help of a command line and of each of its commands."""
    return list(_pages(typer.main.get_command(app), name, None))


def _pages(command: Any, name: str, parent: Any) -> Iterator[HelpPage]:
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=_COLUMNS)
    explanations = tuple(text for each in command.params if (text := getattr(each, "help", None)))
    yield HelpPage(context.command_path, command.get_help(context), explanations)
    for each, inner in getattr(command, "commands", {}).items():
        yield from _pages(inner, each, context)


def check_help(page: HelpPage) -> None:
    """Check that a page explains each option whole, and names each command in a whole sentence."""
    shown = "".join(page.text.split())
    for text in page.explanations:
        assert "".join(text.split()) in shown, (page.command, text)
    cut = [line for line in page.text.splitlines() if line.endswith("...") and not line.startswith("Usage:")]
    assert not cut, page.command
