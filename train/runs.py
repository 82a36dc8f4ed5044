"""The folder of a run: one recipe's, and nobody else's."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from edge.files import write_atomically
from train import fit, recipes
from train.heads import emotion_models, heads_of
from train.log import LOG

if TYPE_CHECKING:
    from pathlib import Path

_OF_EACH_MODEL = ("{}.keras", "{}.json", "{}.md", "{}-curves.png", "{}-confusion.png")
"""What a run writes for each of its models, by its name."""

EXAMPLES = "examples.json"
"""What a run learned from, for its report."""

NEGATIVES = "negatives.npz"
"""The pictures without faces that a run has detected."""

TENSORBOARD = "tensorboard"
"""The folder of logs for TensorBoard."""

_OF_EVERY_RUN = (fit.CHECKPOINT, LOG, fit.BEST, NEGATIVES, TENSORBOARD, recipes.OF_RUN)
"""What a fresh start deletes. `EXAMPLES` stays: a job's is packed and cannot be made there; `fit` writes it anew."""

_SAID = frozenset({"description", "published"})
"""Parts of a recipe that change no training."""


def claim(folder: Path, plan: recipes.Recipe, *, resume: bool, fresh: bool) -> None:
    """Make a run's folder and write its recipe into it; with `fresh`, delete the run that is there before.

    Raises:
        RecipeError: A run is there that would be overwritten, or would be resumed with another recipe.
    """
    if resume and fresh:
        message = "--resume continues a run and --fresh deletes it: write one of them"
        raise recipes.RecipeError(message)
    kept = folder / recipes.OF_RUN
    there = (folder / fit.CHECKPOINT).exists() or (folder / LOG).exists()
    if there:
        if not (resume or fresh):
            message = f"{folder}: a run is there already; write --resume to continue it or --fresh to start over"
            raise recipes.RecipeError(message)
        if resume and kept.exists() and not is_of(folder, plan):
            message = f"{folder}: this run was started from another recipe; name another --out, or write --fresh"
            raise recipes.RecipeError(message)
    if fresh and (there or kept.exists()):
        _delete(folder, plan)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, plan.model_dump_json(indent=1) + "\n")


def _delete(folder: Path, plan: recipes.Recipe) -> None:
    """Delete all that a run wrote: its weights under another recipe would be taken for that one's."""
    plans = [plan]
    with contextlib.suppress(recipes.RecipeError):  # written by another version
        plans.append(recipes.of_run(folder))
    models = [name for each in plans for _, name in emotion_models(heads_of(each.data), each.name)]
    results = [file.format(name) for name in models for file in _OF_EACH_MODEL]
    for path in (folder / each for each in (*_OF_EVERY_RUN, *(f"{each.name}.npz" for each in plans), *results)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def is_of(folder: Path, plan: recipes.Recipe) -> bool:
    """Return whether a run was started from a recipe; what is only said in it may have changed."""
    try:
        return not differences(recipes.of_run(folder), plan)
    except recipes.RecipeError:  # written by another version
        return False


def differences(one: recipes.Recipe, other: recipes.Recipe) -> list[str]:
    """Return the names of the parts in which two recipes differ, without what is only said in them."""
    return [name for name, part in vars(one).items() if name not in _SAID and part != getattr(other, name)]
