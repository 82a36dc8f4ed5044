"""What runs in a job: its recipes one after the other, each checkpointed after every epoch."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import keras

from edge.errors import EdgeError
from train import fit, kept, runs
from train.callbacks import TimeIsUp, TimeLimit
from train.datasets import DataError
from train.heads import heads_of
from train.job.layout import Job, recipe_file, weights_file
from train.recipes import REPOSITORY, Recipe, RecipeError
from train.teachers import load_teachers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

AGAIN = 75
"""Exit code where the time was up before everything was trained (sysexits.h: try again later)."""


def main(arguments: Sequence[str] | None = None, root: Path = REPOSITORY) -> int:
    """Train a job's recipes in the folder that it was unpacked into; return the exit code.

    0: all weights are written; `AGAIN`: the time was up, run it again with ``--resume``; 2: a mistake of the user's.
    """
    options = _parser().parse_args(arguments)
    limit = TimeLimit(60 * options.minutes) if options.minutes else None
    job = Job(root)
    sys.stdout.write(f"Keras {keras.__version__} on {keras.backend.backend()}; unpacking the pictures\n")
    try:
        every = job.pictures()
        for name in job.names():
            _train(job, name, every, options, limit)
    except TimeIsUp as end:
        sys.stdout.write(f"{end}; the time is up: run it again with --resume\n")
        return AGAIN
    except (DataError, EdgeError, RecipeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:  # a full disk, above all
        sys.stderr.write(f"{error.filename or 'a temporary file'}: {error.strerror or error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="job.py", description="Train the recipes of this job, one after the other.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--resume", action="store_true", help="continue after the last finished epoch, if there is any")
    which.add_argument("--fresh", action="store_true", help="delete what was trained and start over")
    parser.add_argument(
        "--minutes", type=minutes, help="start no epoch, but the first, that would end later; then --resume goes on"
    )
    return parser


def minutes(text: str) -> float:
    """Return what --minutes says; argparse names this function where that is wrong."""
    found = float(text)
    if not 0 < found < float("inf"):
        raise ValueError
    return found


def _train(job: Job, name: str, every: NDArray[np.uint8], options: argparse.Namespace, limit: TimeLimit | None) -> None:
    weights = job.root / weights_file(name)
    if options.resume and weights.exists():
        sys.stdout.write(f"{name}: finished, {weights}\n")
        return
    if limit and limit.is_over:
        message = f"{name}: not started"
        raise TimeIsUp(message)
    recipe = Recipe.model_validate_json((job.root / recipe_file(name)).read_bytes())
    runs.claim(weights.parent, recipe, resume=options.resume, fresh=options.fresh)
    weights.unlink(missing_ok=True)
    training, validation = job.examples(recipe, every)
    teachers = load_teachers(recipe.data, heads_of(recipe.data), job.root)
    start = kept.load_start(recipe, job.root)
    sys.stdout.write(f"{name}: {len(training):,} pictures, {recipe.schedule.epochs} epochs\n")
    trained = fit.fit(
        recipe, training, validation, weights.parent,
        resume=options.resume, teachers=teachers, start=start, limit=limit,
    )  # fmt: skip
    kept.save(weights, recipe, trained.get_weights())
    sys.stdout.write(f"{name}: finished, {weights}\n")
