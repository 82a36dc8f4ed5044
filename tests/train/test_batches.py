from __future__ import annotations

import numpy as np
import pytest

from train.batches import Batches, balancing_weights
from train.examples import Examples
from train.heads import Head
from train.recipes import ScheduleConfig

COUNT = 50


@pytest.fixture
def examples() -> Examples:
    pixels = np.arange(COUNT, dtype=np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    targets = np.eye(COUNT, dtype=np.float32)
    return Examples(pixels, targets, (Head("ferplus", tuple(map(str, range(COUNT))), 1.0, slice(0, COUNT)),))


def schedule(**changed: float) -> ScheduleConfig:
    return ScheduleConfig.model_validate({"epochs": 4, "batch_size": 16, "warmup_epochs": 0} | changed)


def everything(batches: Batches) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], ...]:
    pixels, targets = zip(*(batches[i] for i in range(len(batches))), strict=True)
    return np.concatenate(pixels)[:, 0, 0, 0], np.concatenate(targets)


def test_each_epoch_has_every_picture_once_in_another_order(examples: Examples) -> None:
    batches = Batches(examples, schedule())
    assert len(batches) == 4
    first, targets = everything(batches)
    batches.start(1)
    second, _ = everything(batches)
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert not np.array_equal(first, second)
    assert np.array_equal(targets.argmax(axis=1), first)


def test_a_batch_is_the_same_whenever_it_is_asked_for(examples: Examples) -> None:
    batches, again = (Batches(examples, schedule(mixup=0.4)) for _ in range(2))
    batches.start(2)
    again.start(2)
    for index in (3, 0, 3):
        assert all(np.array_equal(a, b) for a, b in zip(batches[index], again[index], strict=True))
    other = Batches(examples, schedule(mixup=0.4, seed=2))
    other.start(2)
    assert not np.array_equal(batches[0][0], other[0][0])


def test_half_of_the_pictures_are_mixed_with_their_targets(examples: Examples) -> None:
    pixels, targets = everything(Batches(examples, schedule(mixup=0.4)))
    assert targets.sum(axis=1) == pytest.approx(1)
    assert targets @ np.arange(COUNT) == pytest.approx(pixels, abs=1e-3)
    assert (targets.max(axis=1) >= 0.5 - 1e-6).all()
    assert 10 < (targets.max(axis=1) == 1).sum() < 45


def test_light_epochs_mix_nothing(examples: Examples) -> None:
    batches = Batches(examples, schedule(mixup=0.4, light_epochs=1))
    batches.start(2)
    assert not batches.is_light
    batches.start(3)
    assert batches.is_light
    assert (everything(batches)[1].max(axis=1) == 1).all()


def rare() -> Examples:
    """Forty of one label, eight of another, two of none."""
    labels = np.array([0] * 40 + [1] * 8)
    targets = np.concatenate([np.eye(2, dtype=np.float32)[labels], np.zeros((2, 2), np.float32)])
    pixels = np.arange(50, dtype=np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    return Examples(pixels, targets, (Head("ferplus", ("a", "b"), 1.0, slice(0, 2)),))


def test_weights_make_each_label_count_as_much() -> None:
    weights = balancing_weights(rare())
    assert weights[:40].sum() == pytest.approx(weights[40:48].sum()) == pytest.approx(24)
    assert weights[48:].tolist() == [1, 1]
    batches = Batches(rare(), schedule(), "weights")
    for index in range(len(batches)):
        pixels, targets, weighed = batches[index]
        assert weighed == pytest.approx(weights[pixels[:, 0, 0, 0].astype(int)])
        assert len(targets) == len(weighed)
    mixed = Batches(rare(), schedule(mixup=0.4), "weights")[0]
    assert [part.shape[0] for part in mixed] == [16, 16, 16]


def test_sampling_draws_each_label_as_often() -> None:
    batches = Batches(rare(), schedule(epochs=200), "sampling")
    counts = np.zeros(50)
    for epoch in range(200):
        batches.start(epoch)
        seen = np.concatenate([batches[i][0][:, 0, 0, 0] for i in range(len(batches))]).astype(int)
        assert len(seen) == 50
        counts += np.bincount(seen, minlength=50)
    assert counts[:40].sum() / counts[40:48].sum() == pytest.approx(1, abs=0.1)
    assert counts[48:].sum() / counts.sum() == pytest.approx(2 / 50, abs=0.01)


def test_without_balance_there_are_no_weights(examples: Examples) -> None:
    assert len(Batches(examples, schedule())[0]) == 2
