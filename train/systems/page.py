"""The page that holds all systems side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.evaluate.protocols import BOTH
from train.heads import heads_of
from train.landmarks.models import FOUND
from train.networks import RandomForestHeadConfig
from train.optimizers import is_over
from train.systems import claims, memory
from train.systems.cost import conversion_row, cost_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from train.recipes import PublishedFigure
    from train.systems import System
    from train.systems.measured import SystemsMeasured

_NONE = "-"

_FEATURES = "cnn_wide"
"""The network whose features the source gives to a forest."""

_NOT_TIMED = "Nothing was timed yet: `make bench-systems`."

_TIMED = """\
Milliseconds are those of a face, or of a track of one frame, on one thread in LiteRT: median of {measured.rounds} turns
of 20 faces, one network after the other in each (`make bench-systems`; {measured.machine}, {measured.cores} cores at
a load of {measured.load:.1f}: they are for comparison within this table). *-*: not timed since the network was
changed, or not converted.
"""

_PAGE = """# Systems side by side

Every system that the project's sources describe, as a recipe in `train/recipes/`, with the same data, code and
protocols for all. *Published* is what others report, by the protocol that they name; nothing of it was measured here.
All else was, on float models, with one forward pass a face. `python -m train systems` writes this page from the reports
of trainings; it says of a system that was not trained to its end that it was not.

## Accuracy

FER2013: PrivateTest, 3,589 faces with their original labels. Both: PublicTest and PrivateTest, 7,178 faces, as some
publish it, though PublicTest chooses the epoch. FER+: PrivateTest by the majority of the votes, 3,153 faces. A network
over frames sees a face as the first frame of a track.

| system | published | FER2013, 95 % interval | macro-F1 | both | FER+ |
|---|---|---:|---:|---:|---:|
{accuracy}

## The sources' claims

| claim | published | here |
|---|---|---|
{claims}

Two systems are compared face by face; differences have an interval of 95 %. They are of PrivateTest, FER2013's labels,
but for landmarks, which are of 7,178 rows as published. *Inconclusive*: the interval holds what is claimed. Each system
was trained once, with one seed, and another seed would move it too.

| noise, deviation as a part of white | labels | none | 0.05 | 0.1 | 0.2 |
|---|---|---:|---:|---:|---:|
{noise}

`emotion`, whose embeddings the networks over frames take, learned from faces with noise; the sources name none in
training, and their recipes here have none.

## Training

| system | labels | loss | optimizer | epochs, of those planned | hours |
|---|---|---|---|---:|---:|
{training}

Hours are those of a machine that did other work too.

![Accuracy of training and validation faces over the epochs, a panel for each system]({plot})

Above each panel stands how many of the planned epochs it shows. Both curves are of the labels that the table names
first, without augmentation, with the averaged weights where a recipe averages them. A forest has no epochs.

## Cost

| system | input | parameters | multiply-accumulates | float | ms | int8 | ms | int8 accuracy |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
{cost}

{timed}
`emotion` is one training with two answers: figures of FER2013 are those of the second, the bundle `emotion-fer2013`.
Its parameters are those of both in Keras; in a bundle batch normalisation is part of the convolutions.

Int8 is the bundle that `convert` makes, its accuracy that on PrivateTest with its own labels. A network over frames
costs this for each frame, `emotion`'s embedding included. Parameters of a forest are the numbers of its questions and
answers; it compares and does not multiply. Finding the landmarks, with MediaPipe, is in none of these figures.

## Through `convert`

| system | what `convert` says |
|---|---|
{conversions}

A bundle takes the pixels of one face. Networks of landmarks need another network before them, which has no place beside
the edge's own detector: they run on a PC, in Keras. Those over frames need the frames before: they run in Keras too,
where `edge` smooths instead.

## Landmarks

MediaPipe finds no face mesh in some pictures. All figures above count those faces too: the networks get zeros for them
and learn one answer for all. Here are PrivateTest's faces, FER2013's labels, with all and with those that have a mesh.

| system | all faces | accuracy | with a mesh | accuracy |
|---|---:|---:|---:|---:|
{landmarks}

{memory}
"""


def page(systems: Sequence[System], measured: SystemsMeasured, plot: str) -> str:
    """Return the page in Markdown.

    Args:
        systems: In their order.
        measured: How they were timed.
        plot: Where the picture of their curves is, from the page.
    """
    by_name = {system.recipe.name: system for system in systems}
    return _PAGE.format(
        accuracy="\n".join(map(_accuracy, systems)),
        claims=claims.section(by_name),
        noise=claims.noise_rows(by_name) or f"| {_NONE} | {_NONE} | {_NONE} | {_NONE} | {_NONE} | {_NONE} |",
        training="\n".join(map(_training, systems)),
        plot=plot,
        cost="\n".join(map(cost_row, systems)),
        timed=_TIMED.format(measured=measured) if measured.rounds else _NOT_TIMED,
        conversions="\n".join(map(conversion_row, systems)),
        memory=memory.section(
            {s.recipe.name: written.tracks for s in systems for written in s.reports if written.tracks}
        ),
        landmarks="\n".join(_landmarks(system) for system in systems if system.recipe.network.landmarks),
    )


def _accuracy(system: System) -> str:
    fer2013, macro, both, ferplus = _NONE, _NONE, _NONE, _NONE
    for written in system.reports:
        test = written.metrics["PrivateTest"]
        if written.protocol == "fer2013":
            low, high = test["fer2013"].interval
            fer2013 = f"{test['fer2013'].accuracy:.2%}, {100 * low:.1f} to {100 * high:.1f}"
            macro, both = f"{test['fer2013'].macro_f1:.3f}", f"{written.metrics[BOTH]['fer2013'].accuracy:.2%}"
        else:
            ferplus = f"{test['ferplus-majority'].accuracy:.2%}"
    published = "<br>".join(_published(figure) for figure in system.recipe.published) or _NONE
    return f"| `{system.recipe.name}` | {published} | {fer2013} | {macro} | {both} | {ferplus} |"


def _landmarks(system: System) -> str:
    cells = [_NONE] * 4
    for written in system.reports:
        every, found = (written.metrics[split]["fer2013"] for split in ("PrivateTest", f"PrivateTest, {FOUND}"))
        cells = [f"{every.n:,}", f"{every.accuracy:.2%}", f"{found.n:,}", f"{found.accuracy:.2%}"]
    return f"| `{system.recipe.name}` | {' | '.join(cells)} |"


def _published(figure: PublishedFigure) -> str:
    if figure.value is None:
        return f"{figure.note}, {figure.data}"
    measure = "" if figure.measure == "accuracy" else f"{figure.measure}, "
    rows = f", {figure.rows:,} rows" if figure.rows else ""
    note = f" ({figure.note})" if figure.note else ""
    return f"{figure.value:.2%} {measure}{figure.data}{rows}{note}"


def _training(system: System) -> str:
    recipe = system.recipe
    labels = " and ".join(head.name for head in heads_of(recipe.data) if head.name != "face")
    if isinstance(recipe.network, RandomForestHeadConfig):
        return f"| `{recipe.name}` | {labels} | Gini impurity | {_NONE} | {_grown(system, recipe.network)} |"
    planned = recipe.schedule.epochs
    hours = _NONE
    if system.reports:
        (written, *_) = system.reports
        early = " (stopped early)" if is_over(recipe.schedule, written.history["val_accuracy"]) else ""
        epochs = f"{written.epochs} of {planned}{early}"
        hours = _hours(written.wall_s)
    elif system.history and system.history["val_accuracy"]:
        found = system.history["val_accuracy"]
        hours = _hours(sum(system.history.get("wall_s", ())))
        epochs = f"{len(found)} of {planned}: not at its end; validation {max(found):.1%} at best so far"
    else:
        epochs = f"not trained yet; {planned} planned"
    if recipe.start:
        epochs = f"{epochs}, from `{recipe.start.stem}`"
    loss = recipe.loss.kind.replace("_", " ") + (" and attention" if recipe.loss.attention else "")
    return f"| `{recipe.name}` | {labels} | {loss} | {recipe.schedule.optimizer} | {epochs} | {hours} |"


def _grown(system: System, forest: RandomForestHeadConfig) -> str:
    """Return what a forest has instead of epochs, and how long it took."""
    source = "" if forest.features.stem == _FEATURES else f", not of `{_FEATURES}` as published: it is not trained yet"
    said = f"{forest.trees} trees of depth {forest.depth} on the features of `{forest.features.stem}`{source}"
    if not system.reports:
        return f"not trained yet; {said} | {_NONE}"
    return f"{said} | {_hours(system.reports[0].wall_s)}"


def _hours(seconds: float | None) -> str:
    return f"{seconds / 3600:.1f}" if seconds else _NONE
