"""Recipes: one TOML file per model, with data, network, augmentation and schedule."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from edge.frozen import FrozenModel
from train.augment import AugmentConfig
from train.networks import ResNetConfig

FOLDER = Path(__file__).parent
"""Where the project's own recipes are."""


class RecipeError(Exception):
    """A recipe is missing or has a value that is not allowed; the message is for a person."""


class DataConfig(FrozenModel):
    """What the model learns from."""

    training: Literal["ferplus", "fer2013"] = "ferplus"
    """The labels that the model is for."""

    also: Literal["ferplus", "fer2013"] | None = None
    """Labels of a second head that is trained with the first; its model is written too."""

    also_weight: float = Field(default=0.5, gt=0)
    """Weight of the second head's loss; the first one's is 1."""

    teachers: tuple[Path, ...] = ()
    """Networks, ``NAME.npz`` as `train.kept` writes them, relative to the repository. Their mean answer for the same
    augmented picture is learned, for each head that they have too. Hinton et al., "Distilling the Knowledge in a Neural
    Network", 2015; Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022."""

    teacher_weight: float = Field(default=0.5, gt=0, le=1)
    """Weight of the teachers' answers; that of the labels is 1 less it. Faces without labels have the answers alone."""

    temperature: float = Field(default=1.0, ge=1)
    """Divisor of the teachers' logits and of the network's beside them: above 1, small probabilities count more."""

    clutter: int = Field(default=0, ge=0)
    """How many negatives are used, pictures that are no faces. If there are any, the model has a face score."""

    misplaced: int = Field(default=0, ge=0)
    """How many of the training faces are used as negatives too, cut beside the face or to a part of it; none without
    `clutter`."""

    face_weight: float = Field(default=0.25, gt=0)
    """Weight of the face score's loss."""

    @model_validator(mode="after")
    def _labels_differ(self) -> DataConfig:
        if self.also == self.training:
            message = "also: name other labels than training's, or leave it out"
            raise ValueError(message)
        return self


class ScheduleConfig(FrozenModel):
    """Epochs, batch size and optimizer."""

    epochs: int = Field(default=40, gt=0)
    batch_size: int = Field(default=128, gt=0)

    learning_rate: float = Field(default=2e-3, gt=0)
    """Peak rate; it rises linearly over `warmup_epochs` and falls along a cosine to 0.
    Loshchilov and Hutter, "SGDR", ICLR 2017."""

    warmup_epochs: float = Field(default=1.0, ge=0)
    """Less than `epochs`."""

    weight_decay: float = Field(default=0.05, ge=0)
    """Decoupled decay of kernels. Loshchilov and Hutter, "Decoupled Weight Decay
    Regularization", ICLR 2019."""

    ema_momentum: float = Field(default=0.998, ge=0, lt=1)
    """Momentum of the moving average of weights; the averaged weights are the result."""

    mixup: float = Field(default=0.0, ge=0)
    """Parameter of the beta distribution by which half of the pictures are mixed with another one, before augmentation;
    0: none. Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018."""

    norm_batches: int = Field(default=0, ge=0)
    """Batches over which the statistics of batch normalisation are estimated again, with the averaged weights, in the
    end; 0: they stay those of the last steps' weights."""

    light_epochs: int = Field(default=0, ge=0)
    """Final epochs without mixup and with mirror images as the only augmentation. He et al., "Data Augmentation
    Revisited", 2019."""

    seed: int = 1

    @model_validator(mode="after")
    def _warmup_is_shorter(self) -> ScheduleConfig:
        if self.warmup_epochs >= self.epochs:
            message = f"warmup_epochs: {self.warmup_epochs:g} must be less than epochs, {self.epochs}"
            raise ValueError(message)
        if self.light_epochs > self.epochs:
            message = f"light_epochs: {self.light_epochs} must be at most epochs, {self.epochs}"
            raise ValueError(message)
        return self

    def shortened(self, epochs: int) -> ScheduleConfig:
        """Return it with other epochs; the warm-up takes half of them at most."""
        warmup = min(self.warmup_epochs, epochs / 2)
        changed = {"epochs": epochs, "warmup_epochs": warmup, "light_epochs": min(self.light_epochs, epochs)}
        return ScheduleConfig.model_validate(self.model_dump() | changed)


class Recipe(FrozenModel):
    """Data, network, augmentation and schedule of one model."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    description: str = ""
    start: Path | None = None
    """A network of the same shape to start from, ``NAME.npz``, relative to the repository; None: random weights."""

    start_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the network that it starts from in the weights that result: it learns anew and keeps what it knew.
    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022."""

    data: DataConfig = DataConfig()
    network: ResNetConfig = ResNetConfig()
    augment: AugmentConfig = AugmentConfig()
    schedule: ScheduleConfig = ScheduleConfig()

    @model_validator(mode="after")
    def _has_a_start(self) -> Recipe:
        if self.start_share and self.start is None:
            message = "start_share: name the network in start, or leave it out"
            raise ValueError(message)
        return self


def load(path: Path) -> Recipe:
    """Return the recipe in a file.

    Raises:
        RecipeError: The file is missing, is not TOML, or a key or value is wrong.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        message = f"{path}: {error.strerror}; the project's recipes are in {FOLDER}"
        raise RecipeError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not TOML: {error}"
        raise RecipeError(message) from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        message = f"{path}: {problems}"
        raise RecipeError(message) from error
