"""Recipes: one TOML file per model, with data, network, loss, augmentation and schedule."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError, field_validator, model_validator

from edge.files import read_text
from edge.frozen import FrozenModel, requirement
from edge.text import first_line
from train.networks import (
    CnnTransformerConfig,
    DdamfnConfig,
    NetworkConfig,
    ResNetConfig,
    TransformerEncoderDecoderConfig,
)
from train.recipes.augment import UNCHANGED, AugmentConfig
from train.recipes.data import DataConfig
from train.recipes.loss import LossConfig
from train.recipes.schedule import ScheduleConfig

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MOST_BYTES = 1 << 20

FOLDER = Path(__file__).parent
"""Where the project's own recipes are."""

REPOSITORY = FOLDER.parent.parent
"""What the paths in recipes are relative to."""

OF_RUN = "recipe.json"
"""The recipe of a run, in its folder."""


__all__ = [
    "FOLDER",
    "REPOSITORY",
    "AugmentConfig",
    "DataConfig",
    "LossConfig",
    "PublishedFigure",
    "Recipe",
    "RecipeError",
    "ScheduleConfig",
    "load",
]


class RecipeError(Exception):
    """A recipe is missing or has a value that is not allowed; the message is for a person."""


class PublishedFigure(FrozenModel):
    """A figure that others have published; it is not measured here."""

    value: float | None = Field(default=None, ge=0, le=1)
    """None: no figure is given, and the note says what is."""

    measure: str = "accuracy"
    data: str
    """The data set and its protocol, such as ``FER2013``."""

    rows: int | None = Field(default=None, gt=0)
    """Faces that it was measured on; None: not said."""

    note: str = ""
    """Whose figure it is, and under which conditions."""


class Recipe(FrozenModel):
    """Data, network, loss, augmentation and schedule of one model."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    start: Path | None = None
    """A network of the same shape to start from, ``NAME.npz``, relative to the repository; None: random weights."""

    start_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the network that it starts from in the weights that result: it learns anew and keeps what it knew.
    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022."""

    data: DataConfig = DataConfig()
    network: NetworkConfig = ResNetConfig()
    loss: LossConfig = LossConfig()
    augment: AugmentConfig = AugmentConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    published: tuple[PublishedFigure, ...] = ()
    """What others report of the same system, each figure by the protocol that they name."""

    @field_validator("network", mode="before")
    @classmethod
    def _is_ours_if_it_does_not_say(cls, network: object) -> object:
        return {"kind": "resnet"} | network if isinstance(network, dict) else network

    @model_validator(mode="after")
    def _has_a_start(self) -> Recipe:
        if self.start_share and self.start is None:
            message = "start_share: name the network in start, or leave it out"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _has_heads_of_attention(self) -> Recipe:
        if self.loss.attention and not (isinstance(self.network, DdamfnConfig) and self.network.heads > 1):
            message = "loss.attention: it is for ddamfn with more than one head; write 0"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _teachers_expect_the_same(self) -> Recipe:
        if self.loss.logit_adjustment and self.data.teachers:
            message = "loss.logit_adjustment: teachers expect emotions as often as the labels have them; write 0"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _tracks_are_for_networks_over_frames(self) -> Recipe:
        remembers = hasattr(self.network, "embedding")
        if remembers != bool(self.data.tracks):
            message = f"data.tracks: {self.network.kind} {'needs them' if remembers else 'takes single pictures'}"
            raise ValueError(message)
        if self.data.tracks and (self.augment != UNCHANGED or self.schedule.mixup or self.schedule.norm_batches):
            message = "augment: tracks are changed as they are made; write 0 there (1 for gamma), and 0 for mixup"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _tracks_are_short_enough(self) -> Recipe:
        if self.data.tracks and isinstance(self.network, CnnTransformerConfig):
            frames, most = self.data.tracks.frames, self.network.most_frames
            if frames > most:
                message = f"data.tracks.frames: {frames} must be at most network.most_frames, {most}"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _landmarks_are_no_pictures(self) -> Recipe:
        if self.network.landmarks and (self.augment != UNCHANGED or self.schedule.light_epochs):
            message = "augment: landmarks are not changed as pictures are; write 0 (1 for gamma, false for flip)"
            raise ValueError(message)
        if self.network.landmarks and (self.data.clutter or self.data.teachers):
            message = "data: landmarks are of faces, and their teachers see none; leave out clutter and teachers"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _forests_are_grown(self) -> Recipe:
        if self.network.gradients:
            return self
        if self.augment != UNCHANGED or self.schedule.light_epochs or self.start:
            message = f"augment: {self.network.kind} learns faces as they are; write 0 (1 for gamma, false for flip)"
            raise ValueError(message)
        if self.data.clutter or self.data.teachers:
            message = f"data: {self.network.kind} learns the labels of faces alone; leave out clutter and teachers"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _outputs_are_those_of_the_heads(self) -> Recipe:
        if self.network.one_model and self.data.also:
            message = f"data.also: {self.network.kind} has outputs for one model only; leave it out"
            raise ValueError(message)
        if isinstance(self.network, TransformerEncoderDecoderConfig) and (
            self.network.not_detected != bool(self.data.clutter)
        ):
            message = "network.not_detected: it is for recipes with data.clutter, which have a face score, and for all"
            raise ValueError(message)
        return self


def problem_text(problem: ErrorDetails) -> str:
    """Return what is wrong in a recipe, with the key where it is: ``schedule.epochs: must be greater than 0``."""
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {requirement(problem)}" if place else requirement(problem)


def first_problem(error: Exception) -> str:
    """Return in one line what an error says of a file: the first value that is wrong with its key, if that is why."""
    return problem_text(error.errors()[0]) if isinstance(error, ValidationError) else first_line(error)


def load(path: Path) -> Recipe:
    """Return the recipe in a file.

    Raises:
        RecipeError: The file is missing, is not TOML, or a key or value is wrong.
    """
    try:
        return Recipe.model_validate(tomllib.loads(read_text(path, _MOST_BYTES)))
    except OSError as error:
        message = f"{path}: {error.strerror}; the project's recipes are in {FOLDER}"
        raise RecipeError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not TOML: {error}"
        raise RecipeError(message) from error
    except ValidationError as error:
        message = f"{path}: {'; '.join(map(problem_text, error.errors()))}"
        raise RecipeError(message) from error


def of_run(run: Path) -> Recipe:
    """Return the recipe of a run's folder.

    Raises:
        RecipeError: It is missing, or is not a recipe of this version.
    """
    path = run / OF_RUN
    try:
        return Recipe.model_validate_json(path.read_bytes())
    except OSError as error:
        message = f"{path}: {error.strerror}; a run's folder has it"
        raise RecipeError(message) from error
    except ValidationError as error:
        message = f"{path}: not a recipe of this version: {first_problem(error)}"
        raise RecipeError(message) from error
