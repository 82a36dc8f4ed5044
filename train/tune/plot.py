"""Draw a search: how good each trial was, and which fields matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import optuna
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from train.plots import QUIET, STRONG, as_png

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOR_IMPORTANCE = 4
"""Fewest finished trials from which importance is estimated."""


def importances(study: optuna.Study) -> Mapping[str, float]:
    """Return how much of what trials differ by is due to each field; nothing if too few trials are finished.

    Hutter et al., "An Efficient Approach for Assessing Hyperparameter Importance", ICML 2014.
    """
    finished = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    if len(finished) < _FOR_IMPORTANCE or len({trial.value for trial in finished}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def draw(study: optuna.Study) -> bytes:
    """Return the history and the importance of the fields as a PNG file's bytes."""
    finished = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    figure = Figure(figsize=(10, 4), layout="constrained")
    history, shares = figure.subplots(1, 2)
    numbers = [trial.number + 1 for trial in finished]
    values = np.array([trial.value for trial in finished], float)
    history.plot(numbers, values, "o", color=QUIET, label="trial")
    ended = study.get_trials(states=(optuna.trial.TrialState.PRUNED,))
    seen = [(trial.number + 1, max(trial.intermediate_values.values())) for trial in ended if trial.intermediate_values]
    if seen:
        history.plot(*zip(*seen, strict=True), "x", color=QUIET, label="ended early: best until then")
    if len(values):
        ends = [*numbers, len(study.trials)]
        best = [*np.maximum.accumulate(values), values.max()]
        history.step(ends, best, where="post", color=STRONG, linewidth=1.8, label="best so far")
    if seen or numbers:
        figure.legend(loc="outside lower left", ncols=3, frameon=False)
    history.yaxis.set_major_formatter(PercentFormatter(1))
    history.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    history.set_xlabel("trial")
    history.set_title("Validation accuracy", loc="left", fontweight="bold")
    found = importances(study)
    names = list(found)[::-1]
    bars = shares.barh(range(len(names)), [found[name] for name in names], color=QUIET)
    shares.bar_label(bars, [f"{found[name]:.0%}" for name in names], padding=3, fontsize=9)
    shares.set_yticks(range(len(names)), names)
    shares.set_xlim(0, 1.1)
    shares.set_xticks([])
    shares.set_title("Importance of each field", loc="left", fontweight="bold")
    if not found:
        shares.text(0.02, 0.5, f"from {_FOR_IMPORTANCE} finished trials on", transform=shares.transAxes, color="0.4")
    for axes in (history, shares):
        axes.spines[["top", "right"]].set_visible(False)
    history.grid(axis="y", color="0.9")
    title = f"{study.study_name}: {len(finished)} trials finished, {len(ended)} ended early"
    figure.suptitle(title, fontsize=10, color="0.35")
    return as_png(figure)
