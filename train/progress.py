"""Progress of long commands: one line on the terminal, removed at the end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Stage = Callable[[str, int], Callable[[int], None]]
    """Starts a piece of work of so many pictures (0: unknown) and returns a function to call with the number done."""


class _Count(MofNCompleteColumn):
    """Done and total; empty if the total is unknown."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text()


@contextmanager
def progress(*, lines: bool = False) -> Iterator[Stage]:
    """Show a bar on standard error for each piece of work in turn.

    Args:
        lines: Where standard error is no terminal, write a line for each piece of work; without it, nothing.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Count(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True, markup=False)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def stage(name: str, total: int) -> Callable[[int], None]:
            for before in bar.task_ids:
                bar.remove_task(before)
            if lines and not console.is_terminal:
                console.print(f"{name} …", soft_wrap=True)
            task = bar.add_task(name, total=total or None)

            def advance(count: int) -> None:
                bar.advance(task, count)

            return advance

        yield stage
