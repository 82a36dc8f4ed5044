"""Take some steps of a job's training without its augmentation, whose random numbers differ between backends.

Usage: python steps.py JOB RECIPE STEPS OUT, with KERAS_BACKEND set; it needs what a job needs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

JOB, NAME, STEPS, OUT = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
sys.path.insert(0, str(JOB))  # its own sources, not the repository's


def main() -> None:
    """Write the losses and the weights after the last step."""
    from train import fit, kept  # noqa: PLC0415  # of the job
    from train.batches import Batches  # noqa: PLC0415
    from train.heads import heads_of  # noqa: PLC0415
    from train.job.layout import Job, recipe_file  # noqa: PLC0415
    from train.recipes import Recipe  # noqa: PLC0415
    from train.teachers import Teachers, load_teachers  # noqa: PLC0415

    recipe = Recipe.model_validate_json((JOB / recipe_file(NAME)).read_bytes())
    training, _ = Job(JOB).examples(recipe, Job(JOB).pictures())
    heads = heads_of(recipe.data)
    start = kept.load_start(recipe, JOB)
    assert start
    teaching = Teachers(load_teachers(recipe.data, heads, JOB), heads, recipe.data.temperature)
    batches = Batches(training, recipe.schedule)
    network = start.build()
    model = fit.training_model(recipe, network, training, len(batches), teaching=teaching)
    losses = [float(model.train_on_batch(*batches[i], return_dict=True)["loss"]) for i in range(STEPS)]
    weights = {f"{i:04}": weight for i, weight in enumerate(network.get_weights())}
    np.savez(OUT, losses=losses, **weights)


main()
