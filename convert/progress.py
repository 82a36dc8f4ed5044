"""How far a conversion is: one line on the terminal, gone when it is done."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Stage = Callable[[str, int], Callable[[int], None]]
    """Announces a piece of work of so many faces, and gives what is told of each one done."""


class _Count(MofNCompleteColumn):
    """How many of how many; nothing where nobody knows how many there are."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text()


@contextmanager
def progress() -> Iterator[Stage]:
    """Show a bar on standard error for each piece of work in turn; silent where that is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        _Count(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def stage(name: str, total: int) -> Callable[[int], None]:
            for before in bar.task_ids:
                bar.remove_task(before)
            task = bar.add_task(name, total=total or None)

            def advance(count: int) -> None:
                bar.advance(task, count)

            return advance

        yield stage
