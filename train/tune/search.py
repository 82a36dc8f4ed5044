"""One search: its study, and what a trial trains and returns."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import keras
import optuna

from edge.redaction import redact
from edge.text import first_line
from train import fit
from train.log import read_log
from train.recipes import RecipeError
from train.tune.fields import with_values
from train.untrained import check_network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from train.examples import Examples
    from train.recipes import Recipe
    from train.tune.fields import SearchedField

_SEARCHED = ("network.", "augment.", "loss.", "schedule.", "data.balance")
"""How the names of fields begin that a trial follows."""

_SEARCH = "search"
"""The study's attribute with what is searched."""


class ReportEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Tells a trial how good each epoch is, and ends one that is worse than half of those before at the same epoch."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        self._trial = trial

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Report the validation accuracy.

        Raises:
            optuna.TrialPruned: The trial is to end.
        """
        self._trial.report((logs or {})["val_accuracy"], epoch)
        if self._trial.should_prune():
            raise optuna.TrialPruned


def open_study(
    recipe: Recipe, fields: Sequence[SearchedField], storage: str, search: Mapping[str, Any], seed: int | None = None
) -> optuna.Study:
    """Return the recipe's study, which is made if it is not there.

    Args:
        recipe: What is searched around.
        fields: What is searched over; none: whatever the study has.
        storage: Its URL, as in ``sqlite:///study.db``.
        search: What else must be the same on all machines, such as the epochs.
        seed: Of what is suggested, below 1000, and another on each machine; None: another each time.

    Raises:
        RecipeError: The storage cannot be opened, or its study is another search.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=recipe.name,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
        )
    except Exception as error:  # SQLAlchemy raises whatever its drivers raise
        said = first_line(error).replace(storage, redact(storage))
        message = f"--storage {redact(storage)}: {said}; write a URL such as sqlite:///study.db"
        raise RecipeError(message) from error
    # A search that goes on tries neither its first values again nor those of the next seed.
    study.sampler = optuna.samplers.TPESampler(seed=None if seed is None else seed + 1000 * len(study.trials))
    wanted = {"recipe": recipe.model_dump(mode="json"), "fields": [str(field) for field in fields], **search}
    said, before = json.dumps(wanted, sort_keys=True), study.user_attrs.get(_SEARCH)
    if before is None and fields:
        study.set_user_attr(_SEARCH, said)
    elif before is not None and fields and before != said:
        there = json.loads(before)
        differing = ", ".join(key for key in wanted if there.get(key) != json.loads(said)[key])
        message = (
            f"--storage {redact(storage)}: its study {recipe.name} is another search ({differing} differ); name another"
        )
        raise RecipeError(message)
    return study


def check(recipe: Recipe, fields: Sequence[SearchedField]) -> None:
    """Try the recipe, and the ends of each field or its choices.

    Raises:
        RecipeError: One is not allowed, gives no network, or changes what no trial reads anew.
    """
    check_network(recipe)
    for field in fields:
        if not field.path.startswith(_SEARCHED):
            message = (
                f"--field: {field.path}: all trials learn from the same pictures and labels; write a field of network, "
                "augment, loss or schedule, or data.balance"
            )
            raise RecipeError(message)
        for value in field.examples:
            tried = with_values(recipe, {field.path: value})
            if tried.network != recipe.network:
                check_network(tried)


def run_trial(
    trial: optuna.Trial,
    recipe: Recipe,
    fields: Sequence[SearchedField],
    examples: tuple[Examples, Examples],
    scratch: Path,
) -> float:
    """Train with values that a trial suggests, and return the best validation accuracy.

    Raises:
        optuna.TrialPruned: It was worse than others, or its values do not go together.
    """
    values = {field.path: field.suggest(trial) for field in fields}
    try:
        tried = with_values(recipe, values)
        check_network(tried)
    except RecipeError as error:
        trial.set_user_attr("refused", str(error))
        raise optuna.TrialPruned from None
    training, validation = examples
    folder = scratch / f"trial-{trial.number}"
    try:
        fit.fit(tried, training, validation, folder, resume=False, callbacks=[ReportEpoch(trial)])
        return max(read_log(folder)["val_accuracy"])
    finally:
        keras.backend.clear_session()
        shutil.rmtree(folder, ignore_errors=True)
