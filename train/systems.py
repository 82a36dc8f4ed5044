"""The page that holds all systems side by side: what is published of each, and what was measured here.

A system is a recipe. What is known of it here is its report, if it was trained, and the card of its bundle, if it was
converted. Nothing is measured to write the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from train import memory_page, networks, recipes, report
from train.embedding import load_eyes, over_frames
from train.evaluate.protocols import BOTH
from train.fit import LOG, read_log
from train.heads import emotion_models, heads_of
from train.landmarks.models import FOUND
from train.networks.cost import count_macs
from train.systems_cost import cost_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from train.evaluate.metrics import Metrics
    from train.recipes import PublishedFigure, Recipe
    from train.report import TrainingReport

SYSTEMS = (
    "emotion",
    "ddamfn",
    "resnet_attention",
    "efficientnet_b0",
    "cnn_two_block",
    "cnn_two_block_plain",
    "cnn_two_block_svm",
    "cnn_two_block_svm_plain",
    "cnn_wide",
    "cnn_deep_head",
    "transformer_encoder_decoder",
    "cnn_gru",
    "cnn_transformer",
    "cnn_no_memory",
    "landmark_mlp",
    "landmark_ft_transformer",
    "landmark_gnn",
)
"""The recipes on the page, in its order."""

WITHOUT_RECIPE = {
    "random_forest_head": "worse than the softmax of `cnn_wide`, without a figure",
}
"""Systems that the sources describe and that have no recipe yet, with what is published of them."""

_NONE = "-"

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

## Training

| system | labels | loss | optimizer | epochs, of those planned | hours |
|---|---|---|---|---:|---:|
{training}

Hours are those of a machine that did other work too.

## Cost

| system | input | parameters | multiply-accumulates | int8 size | int8 accuracy |
|---|---:|---:|---:|---:|---:|
{cost}

Size and accuracy are those of the bundle on PrivateTest with its own labels; what has none was not converted yet. A
network over frames costs this for each frame, `emotion`'s embedding included; `convert` takes pictures, not tracks.
`convert` refuses the networks of landmarks: a bundle takes pixels, and the landmarks are found by another network, with
MediaPipe, which has no place beside the edge's own detector. They run where both run: on a PC, in Keras.

## Landmarks

MediaPipe finds no face mesh in some pictures. All figures above count those faces too: the networks get zeros for them
and learn one answer for all. Here are PrivateTest's faces, FER2013's labels, with all and with those that have a mesh.

| system | all faces | accuracy | with a mesh | accuracy |
|---|---:|---:|---:|---:|
{landmarks}

{memory}
## Without a recipe yet

| system | published |
|---|---|
{others}
"""


@dataclass(frozen=True)
class System:
    """What is known of one system."""

    recipe: Recipe
    parameters: int
    macs: int
    reports: tuple[TrainingReport, ...] = ()
    """One for each head for emotions; none if it was not trained to its end."""

    history: Mapping[str, Sequence[float]] | None = None
    """The curves of a run that is not at its end."""

    bundles: Mapping[str, Mapping[str, object]] | None = None
    """The cards of its bundles by name."""


def find(name: str, folders: Sequence[Path], bundles: Sequence[Path]) -> System:
    """Return what is known of a system.

    Args:
        name: Its recipe's.
        folders: Where reports may be, ``NAME.json``, or runs, ``NAME/NAME.json``; the first one that has it counts.
        bundles: Folders of bundles, likewise.

    Raises:
        DataError: A report is damaged.
        RecipeError: The recipe is.
    """
    recipe = recipes.load(recipes.FOLDER / f"{name}.toml")
    heads = heads_of(recipe.data)
    names = [model for _, model in emotion_models(heads, name)]
    network = networks.build(recipe.network, heads[-1].columns.stop)
    if eyes := load_eyes(recipe):
        network = over_frames(network, eyes)
    places = [place for folder in folders for place in (folder, folder / name)]
    written = next((place for place in places if all((place / f"{each}.json").exists() for each in names)), None)
    reports = tuple(report.read(written / f"{each}.json") for each in names) if written else ()
    log = next((place for place in places if (place / LOG).exists()), None)
    cards = {each: card for each in names for card in _card(each, bundles)}
    history = read_log(log) if log and not reports else {}
    return System(
        recipe, network.count_params(), count_macs(network), reports, history if any(history.values()) else None, cards
    )


def _card(name: str, folders: Sequence[Path]) -> Iterator[Mapping[str, object]]:
    for folder in folders:
        if (folder / f"{name}.json").exists() and (folder / f"{name}.tflite").exists():
            yield TypeAdapter(dict[str, object]).validate_json((folder / f"{name}.json").read_bytes())
            return


def page(systems: Sequence[System]) -> str:
    """Return the page in Markdown."""
    return _PAGE.format(
        accuracy="\n".join(map(_accuracy, systems)),
        training="\n".join(map(_training, systems)),
        cost="\n".join(map(cost_row, systems)),
        memory=memory_page.section(
            {system.recipe.name: written.tracks for system in systems for written in system.reports if written.tracks}
        ),
        landmarks="\n".join(_landmarks(system) for system in systems if system.recipe.network.landmarks),
        others="\n".join(f"| `{name}` | {published} |" for name, published in WITHOUT_RECIPE.items()),
    )


def _accuracy(system: System) -> str:
    fer2013, macro, both, ferplus = _NONE, _NONE, _NONE, _NONE
    for written in system.reports:
        test = written.metrics["PrivateTest"]
        if written.protocol == "fer2013":
            low, high = test["fer2013"].interval
            fer2013 = f"{test['fer2013'].accuracy:.2%}, {100 * low:.1f} to {100 * high:.1f}"
            macro, both = f"{test['fer2013'].macro_f1:.3f}", f"{_both(written.metrics):.2%}"
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


def _both(metrics: Mapping[str, Mapping[str, Metrics]]) -> float:
    """Return the accuracy on both splits; reports of older versions do not have it."""
    if BOTH in metrics:
        return metrics[BOTH]["fer2013"].accuracy
    parts = [metrics[split]["fer2013"] for split in ("PublicTest", "PrivateTest")]
    return sum(part.accuracy * part.n for part in parts) / sum(part.n for part in parts)


def _published(figure: PublishedFigure) -> str:
    measure = "" if figure.measure == "accuracy" else f"{figure.measure}, "
    rows = f", {figure.rows:,} rows" if figure.rows else ""
    note = f" ({figure.note})" if figure.note else ""
    return f"{figure.value:.2%} {measure}{figure.data}{rows}{note}"


def _training(system: System) -> str:
    recipe = system.recipe
    planned = recipe.schedule.epochs
    hours = _NONE
    if system.reports:
        (written, *_) = system.reports
        early = " (stopped early)" if recipe.schedule.stop_after and written.epochs < planned else ""
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
    labels = " and ".join(head.name for head in heads_of(recipe.data) if head.name != "face")
    return f"| `{recipe.name}` | {labels} | {loss} | {recipe.schedule.optimizer} | {epochs} | {hours} |"


def _hours(seconds: float | None) -> str:
    return f"{seconds / 3600:.1f}" if seconds else _NONE
