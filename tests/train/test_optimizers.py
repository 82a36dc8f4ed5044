from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from train.callbacks import StartPhase
from train.optimizers import PartwiseAdam, best_epoch, is_over, make_optimizer, plateau_rate
from train.phases import PhasedModel
from train.recipes import ScheduleConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLATEAU: dict[str, Any] = {
    "decay": "plateau",
    "warmup_epochs": 0,
    "plateau_patience": 2,
    "plateau_factor": 0.5,
    "learning_rate": 0.8,
}


def schedule(**changed: Any) -> ScheduleConfig:
    return ScheduleConfig.model_validate(changed)


def test_the_rate_falls_on_a_plateau_as_keras_lowers_it() -> None:
    losses = np.random.default_rng(3).choice([0.9, 0.8, 0.79995, 0.7], 40).tolist()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(make_optimizer(schedule(**PLATEAU), 1), "mse")
    callback = keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.5)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        assert plateau_rate(schedule(**PLATEAU), losses[:epoch]) == pytest.approx(float(model.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"val_loss": loss})
    assert float(model.optimizer.learning_rate) < 0.1


def test_a_run_ends_when_its_accuracy_has_not_risen_for_so_long() -> None:
    early = schedule(stop_after=2, ema_momentum=0)
    accuracies = [0.3, 0.5, 0.5, 0.4, 0.6]
    assert [is_over(early, accuracies[:count]) for count in (1, 2, 3, 4)] == [False, False, False, True]
    assert best_epoch(accuracies[:4]) == 1  # the first of equal ones
    assert not is_over(schedule(), accuracies[:4])


def test_what_contradicts_itself_is_refused() -> None:
    contradictions: list[tuple[dict[str, Any], str]] = [
        ({"optimizer": "adam"}, "weight_decay: write 0"),
        ({"decay": "constant"}, "warmup_epochs: write 0"),
        ({"stop_after": 3}, "ema_momentum"),
    ]
    for wrong, said in contradictions:
        with pytest.raises(ValueError, match=said):
            schedule(**wrong)


def test_a_constant_rate_and_adam() -> None:
    optimizer = make_optimizer(
        schedule(optimizer="adam", weight_decay=0, decay="constant", warmup_epochs=0, learning_rate=0.25), 7
    )
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert not isinstance(optimizer, keras.optimizers.AdamW)
    assert float(optimizer.learning_rate) == 0.25


PHASES: dict[str, Any] = {
    "optimizer": "adam", "weight_decay": 0, "warmup_epochs": 0, "ema_momentum": 0, "epochs": 4,
    "rates": {"body": 0.1},
    "phases": [{"epochs": 1, "learning_rate": 0.2, "frozen": ["body"]}, {"epochs": 3, "learning_rate": 0.1}],
}  # fmt: skip


class Weights(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Notes all weights before the first step and after each."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[float]] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self.seen:
            self.on_train_batch_end(0, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Keras names it
        self.seen.append([float(weight[0, 0]) for weight in self.model.get_weights()])


def moves(phases: ScheduleConfig, steps_per_epoch: int, *, interrupted_after: int = 0) -> NDArray[np.float64]:
    """Train a body and a head whose gradients are always 1; return how far each step moves them, ``(steps, 2)``."""
    pixels = keras.Input((1,))
    parts = [keras.layers.Dense(1, use_bias=False, name=name)(pixels) for name in ("body", "head")]
    model = PhasedModel(pixels, keras.layers.Add()(parts))
    model.compile(make_optimizer(phases, steps_per_epoch), lambda _, answer: answer)
    model.optimizer.build(model.trainable_variables)
    weights, ones = Weights(), np.ones((steps_per_epoch, 1), np.float32)
    for first, last in pairwise([0, interrupted_after, phases.epochs]):
        callbacks = [StartPhase(phases), weights]
        model.fit(ones, ones, batch_size=1, initial_epoch=first, epochs=last, callbacks=callbacks, verbose=0)
    return -np.diff(weights.seen, axis=0)


def test_a_phase_freezes_parts_and_a_rate_is_for_some() -> None:
    # Adam moves by the rate where the gradient is always the same.
    cosine = [0.2, 0.1] + [0.05 * (1 + np.cos(np.pi * step / 6)) for step in range(6)]
    body_moved, head_moved = moves(schedule(**PHASES), 2).T
    assert head_moved == pytest.approx(cosine, rel=1e-3)
    assert body_moved[:2] == pytest.approx(0)
    assert body_moved[2:] == pytest.approx(0.1 * np.array(cosine[2:]), rel=1e-3)


def test_each_phase_begins_as_with_an_optimizer_of_its_own() -> None:
    rate = {"epochs": 1, "learning_rate": 0.2}
    phases = [rate, rate | {"frozen": ["body"]}, rate, rate | {"frozen": ["head"]}]
    body_moved, head_moved = moves(schedule(**PHASES | {"rates": {}, "phases": phases}), 2).T
    assert head_moved == pytest.approx([0.2, 0.1] * 3 + [0, 0], rel=1e-3)
    assert body_moved == pytest.approx([0.2, 0.1, 0, 0, 0.2, 0.1, 0.2, 0.1], rel=1e-3)


def test_a_run_goes_on_in_the_middle_of_a_phase() -> None:
    rate = {"learning_rate": 0.2}
    phases = [rate | {"epochs": 1}, rate | {"epochs": 3, "frozen": ["body"]}]
    plan = schedule(**PHASES | {"phases": phases})
    assert moves(plan, 2, interrupted_after=2) == pytest.approx(moves(plan, 2), rel=1e-5)


def test_what_is_frozen_costs_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    changed: list[str] = []
    plain = PartwiseAdam.update_step

    def update_step(self: PartwiseAdam, gradient: Any, variable: Any, learning_rate: Any) -> None:
        changed.append(variable.name.split("/")[0])
        plain(self, gradient, variable, learning_rate)

    monkeypatch.setattr(PartwiseAdam, "update_step", update_step)
    moves(schedule(**PHASES), 2)
    assert changed == ["head", "body", "head"]  # TensorFlow traces a step of each phase


def test_phases_are_cut_with_the_run() -> None:
    whole = schedule(**PHASES)
    assert [phase.epochs for phase in whole.shortened(3).phases] == [1, 2]
    assert [phase.epochs for phase in whole.shortened(1).phases] == [1]
    with pytest.raises(ValueError, match="phases: their epochs must be 5"):
        schedule(**PHASES | {"epochs": 5})
