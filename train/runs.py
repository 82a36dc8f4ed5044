"""The folder of a run: one recipe's, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.files import write_atomically
from train import fit, recipes

if TYPE_CHECKING:
    from pathlib import Path


def claim(folder: Path, plan: recipes.Recipe, *, resume: bool, fresh: bool) -> None:
    """Make a run's folder and write its recipe into it.

    Raises:
        RecipeError: A run is there that would be overwritten, or would be resumed with another recipe.
    """
    if resume and fresh:
        message = "--resume continues a run and --fresh deletes it: write one of them"
        raise recipes.RecipeError(message)
    kept = folder / recipes.OF_RUN
    if (folder / "checkpoint").exists() or (folder / fit.LOG).exists():
        if not (resume or fresh):
            message = f"{folder}: a run is there already; write --resume to continue it or --fresh to start over"
            raise recipes.RecipeError(message)
        if resume and kept.exists() and not _same(folder, plan):
            message = f"{folder}: this run was started from another recipe; name another --out, or write --fresh"
            raise recipes.RecipeError(message)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, plan.model_dump_json(indent=1) + "\n")


def _same(folder: Path, plan: recipes.Recipe) -> bool:
    """Return whether a run was started from a recipe; what is only said in it may have changed."""
    said: dict[str, object] = {"description": "", "published": ()}
    try:
        return recipes.of_run(folder).model_copy(update=said) == plan.model_copy(update=said)
    except recipes.RecipeError:  # written by another version
        return False
