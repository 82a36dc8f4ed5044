"""A terminal or pipe that tables are printed to."""

from __future__ import annotations

from rich.console import Console

from edge.streams import drop_output


class PipeConsole(Console):
    """Standard output as rich prints to it; where its reader leaves, as ``head`` does, the rest is dropped.

    rich's own console ends the process with 1 then, which is the exit code of a defect.
    """

    def on_broken_pipe(self) -> None:
        """Print nothing any more."""
        self.quiet = True
        drop_output()
