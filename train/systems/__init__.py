"""All systems side by side: what is published of each, and what was measured here.

A system is a recipe. What is known of it here is its report, if it was trained, the card of its bundle, if it was
converted, and what `train.systems.measured` holds. Nothing is measured to write the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.errors import BundleError
from edge.inference.card import parse_card, read_card_text
from train import networks, recipes, report, runs
from train.datasets import DataError
from train.embedding import load_backbone, pinned, with_backbone
from train.heads import emotion_models, heads_of
from train.log import LOG, read_log
from train.networks.cost import count_macs
from train.systems.measured import SystemFigures, SystemsMeasured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from edge.inference.card import Card
    from train.recipes import Recipe
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
    "random_forest_head",
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

    bundles: Mapping[str, Card] = field(default_factory=dict)
    """The cards of its bundles by name, where they are at hand."""

    measured: SystemFigures = field(default_factory=SystemFigures)
    """What else was measured of it."""

    left_out: tuple[str, ...] = ()
    """Of each report by its name that is of another recipe, a sentence that says so."""


def find(
    name: str, folders: Sequence[Path], bundles: Sequence[Path], measured: SystemsMeasured | None = None
) -> System:
    """Return what is known of a system.

    Args:
        name: Its recipe's.
        folders: Where reports may be, ``NAME.json``, or runs, ``NAME/NAME.json``; the first one that has it counts. One
            of another recipe by the same name does not, as of a training with fewer epochs.
        bundles: Folders of bundles, likewise.
        measured: What was measured of all systems, if anything was.

    Raises:
        DataError: A report is damaged, or does not say which rows are right, as those of older versions.
        RecipeError: The recipe is damaged.
    """
    recipe = recipes.load(recipes.FOLDER / f"{name}.toml")
    heads = heads_of(recipe.data)
    names = [model for _, model in emotion_models(heads, name)]
    network = networks.build(recipe.network, heads[-1].columns.stop)
    if backbone := load_backbone(recipe):
        network = with_backbone(network, backbone)
    places = [place for folder in folders for place in (folder, folder / name)]
    wanted = pinned(recipe)
    reports, left_out = _reports(places, names, wanted)
    log = next((place for place in places if (place / LOG).exists() and runs.is_of(place, wanted)), None)
    cards = {each: card for each in names for card in _card(each, bundles)}
    history = read_log(log) if log and not reports else {}
    return System(
        recipe=recipe,
        parameters=network.count_params(),
        macs=count_macs(network),
        reports=reports,
        history=history if any(history.values()) else None,
        bundles=cards,
        measured=(measured or SystemsMeasured()).systems.get(name, SystemFigures()),
        left_out=left_out,
    )


def _reports(
    places: Sequence[Path], names: Sequence[str], wanted: Recipe
) -> tuple[tuple[TrainingReport, ...], tuple[str, ...]]:
    """Return the reports of the first folder that has all of the recipe's, and what to say of the folders before it.

    Raises:
        DataError: One is damaged, or does not say which rows are right, as those of older versions.
    """
    left_out = []
    for place in places:
        paths = [place / f"{name}.json" for name in names]
        if not all(path.exists() for path in paths):
            continue
        found = tuple(map(report.read, paths))
        if others := {part: None for each in found for part in runs.differences(each.recipe, wanted)}:
            left_out.append(f"{paths[0]}: left out, as it is not of this recipe: another {', '.join(others)}")
            continue
        for path, each in zip(paths, found, strict=True):
            _check(path, each)
        return found, tuple(left_out)
    return (), tuple(left_out)


def _check(path: Path, written: TrainingReport) -> None:
    if written.recipe.data.training != "folder" and not written.which_right:
        message = (
            f"{path}: does not say which rows are right; an older version wrote it: 'fit --resume' writes it again"
        )
        raise DataError(message)


def _card(name: str, folders: Sequence[Path]) -> Iterator[Card]:
    for folder in folders:
        if (folder / f"{name}.json").exists() and (folder / f"{name}.tflite").exists():
            yield read_card(folder / f"{name}.json")
            return


def read_card(path: Path) -> Card:
    """Return a bundle's card.

    Raises:
        DataError: It cannot be read, or is none.
    """
    try:
        return parse_card(read_card_text(path), path)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise DataError(message) from error
    except BundleError as error:
        raise DataError(str(error)) from error
