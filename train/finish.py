"""From the weights of all heads to a model for each, evaluated and with its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train import fit, kept, learned, page
from train.console import console
from train.evaluate import tables
from train.evaluate.models import evaluate_keras
from train.heads import emotion_models, model_columns
from train.log import read_log
from train.networks.cost import count_macs
from train.progress import progress
from train.report import TrainingReport
from train.teachers import load_teachers
from train.tracks.examples import evaluate_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from train.datasets import Faces, LabelProtocol, Split


TRACKS = "tracks"
"""The folder beside runs where readings of tracks are kept, for all recipes that learn from the same ones."""


def write_models(
    network: kept.KeptNetwork,
    folder: Path,
    tests: Mapping[tuple[Split, LabelProtocol], Faces],
) -> None:
    """Write ``NAME.keras`` and its report for each head of a trained network, and print how accurate they are.

    Args:
        network: The weights.
        folder: The run's, with its log and `runs.EXAMPLES`.
        tests: The faces to evaluate on.

    Raises:
        DataError: The log or what it learned from is missing.
        RecipeError: A teacher or the network that it started from is.
    """
    plan, heads = network.recipe, network.heads
    examples = learned.read(folder)
    history = read_log(folder)
    rows = examples.rows | {f"{protocol} {split}": len(faces) for (split, protocol), faces in tests.items()}
    taught = learned.networks(load_teachers(plan.data, heads), kept.load_start(plan))  # a job may have made them
    whole = network.build()
    with progress(lines=True) as stage:
        tracks = evaluate_tracks(plan, whole, tests, folder.parent / TRACKS, stage)
    models = {}
    for head, name in emotion_models(heads, plan.name):
        labels, columns = model_columns(heads, head)
        model = fit.only(whole, plan, columns)
        models[folder / f"{name}.keras"] = model
        written = TrainingReport(
            name=name,
            labels=labels,
            protocol=head.protocol,
            recipe=plan,
            sources={**examples.sources, **taught},
            weights=network.sha256,
            rows=rows,
            priors=examples.priors[head.name],
            parameters=model.count_params(),
            macs=count_macs(model),
            epochs=len(history["epoch"]),
            wall_s=round(sum(history["wall_s"]), 1) if "wall_s" in history else None,
            history=history,
            tracks=tracks,
            **evaluate_keras(model, labels, tests),
        )
        page.write(written, folder)
        console().print(tables.accuracies(written.metrics))
        console().print(tables.EXPLAINED)
        if tracks:
            console().print(tables.ways(tracks))
        console().print(f"{folder / name}.keras, its report {name}.json and {name}.md, and two plots", soft_wrap=True)
    for path, model in models.items():  # after all reports, so that a missing one shows
        fit.save_atomically(model, path)
