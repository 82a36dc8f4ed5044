"""How long and how a network is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from edge.frozen import FrozenModel


class PhaseConfig(FrozenModel):
    """A part of a run with a rate of its own, in which parts of the network are not changed."""

    epochs: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    """Its first rate; it falls along a cosine to 0 within the phase."""

    frozen: tuple[str, ...] = ()
    """What the names of the layers begin with that are not changed; normalisation still follows its statistics."""


class ScheduleConfig(FrozenModel):
    """Epochs, batch size and optimizer."""

    epochs: int = Field(default=40, gt=0)
    batch_size: int = Field(default=128, gt=0)

    optimizer: Literal["adamw", "adam"] = "adamw"
    """Adam: Kingma and Ba, ICLR 2015. AdamW decays weights: Loshchilov and Hutter, "Decoupled Weight Decay
    Regularization", ICLR 2019."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Peak rate."""

    decay: Literal["cosine", "constant", "plateau"] = "cosine"
    """How the rate goes on. `cosine`: it rises linearly over `warmup_epochs` and falls along a cosine to 0; Loshchilov
    and Hutter, "SGDR", ICLR 2017. `plateau`: it is multiplied by `plateau_factor` whenever the validation loss has not
    fallen for `plateau_patience` epochs."""

    plateau_patience: int = Field(default=5, gt=0)
    plateau_factor: float = Field(default=0.5, gt=0, lt=1)

    warmup_epochs: float = Field(default=1.0, ge=0)
    """Less than `epochs`; 0 where the rate does not follow a cosine."""

    weight_decay: float = Field(default=0.05, ge=0)
    """Decoupled decay of kernels; 0 with `adam`."""

    rates: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Factors of the rate, by what the names of the layers begin with; that of all others is 1."""

    phases: tuple[PhaseConfig, ...] = ()
    """Phases one after the other; their epochs are those of the run, and their rates take the place of
    `learning_rate`. With `adam`, and without warm-up."""

    stop_after: int = Field(default=0, ge=0)
    """Early stopping: the run ends when the validation accuracy has not risen for so many epochs, and the weights of
    the best epoch are the result; 0: all epochs run, and the last one's weights are."""

    ema_momentum: float = Field(default=0.998, ge=0, lt=1)
    """Momentum of the moving average of weights; the averaged weights are the result. 0: no averaging."""

    mixup: float = Field(default=0.0, ge=0)
    """Parameter of the beta distribution by which half of the pictures are mixed with another one, before augmentation;
    0: none. Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018."""

    sharpness_radius: float = Field(default=0.0, ge=0)
    """Sharpness-aware minimisation: how far from the weights a step takes its gradient, in the Euclidean norm; 0: none.
    0.05 to 0.2 are usual. A step takes half longer (`train.sharpness`)."""

    norm_batches: int = Field(default=0, ge=0)
    """Batches over which the statistics of batch normalisation are estimated again, with the averaged weights, in the
    end; 0: they stay those of the last steps' weights."""

    light_epochs: int = Field(default=0, ge=0)
    """Final epochs without mixup and with mirror images as the only augmentation. He et al., "Data Augmentation
    Revisited", 2019."""

    seed: int = Field(default=1, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _warmup_is_shorter(self) -> ScheduleConfig:
        if self.warmup_epochs >= self.epochs:
            message = f"warmup_epochs: {self.warmup_epochs:g} must be less than epochs, {self.epochs}"
            raise ValueError(message)
        if self.warmup_epochs and self.decay != "cosine":
            message = f"warmup_epochs: write 0, as the rate is {self.decay}"
            raise ValueError(message)
        if self.light_epochs > self.epochs:
            message = f"light_epochs: {self.light_epochs} must be at most epochs, {self.epochs}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _optimizer_can(self) -> ScheduleConfig:
        if self.optimizer == "adam" and self.weight_decay:
            message = "weight_decay: write 0, or adamw as the optimizer: adam decays nothing"
            raise ValueError(message)
        if self.stop_after and (self.ema_momentum or self.norm_batches):
            message = "stop_after: write 0 for ema_momentum and norm_batches: the best epoch's own weights are kept"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _phases_are_the_run(self) -> ScheduleConfig:
        if self.phases and sum(phase.epochs for phase in self.phases) != self.epochs:
            message = f"phases: their epochs must be {self.epochs} in all, as epochs says"
            raise ValueError(message)
        if self.phases and (self.optimizer != "adam" or self.decay != "cosine" or self.warmup_epochs):
            message = 'phases: write optimizer = "adam", decay = "cosine" and warmup_epochs = 0'
            raise ValueError(message)
        if self.phases and self.sharpness_radius:
            message = "sharpness_radius: write 0, as there are phases: it takes gradients of all weights"
            raise ValueError(message)
        return self

    def shortened(self, epochs: int) -> ScheduleConfig:
        """Return it with other epochs; the warm-up takes half of them at most, and phases are cut short."""
        warmup = min(self.warmup_epochs, epochs / 2)
        changed: dict[str, Any] = {
            "epochs": epochs,
            "warmup_epochs": warmup,
            "light_epochs": min(self.light_epochs, epochs),
            "phases": _cut(self.phases, epochs),
        }
        return ScheduleConfig.model_validate(self.model_dump() | changed)


def _cut(phases: tuple[PhaseConfig, ...], epochs: int) -> tuple[PhaseConfig, ...]:
    """Return phases of so many epochs in all: the first ones, of which the last is shorter or longer."""
    kept: list[PhaseConfig] = []
    for number, phase in enumerate(phases, start=1):
        if epochs <= 0:
            break
        length = epochs if number == len(phases) else min(phase.epochs, epochs)
        kept.append(phase.model_copy(update={"epochs": length}))
        epochs -= length
    return tuple(kept)
