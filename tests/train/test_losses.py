"""Each loss against a value worked out by hand."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from keras import ops

from train.heads import Head
from train.losses import AttentionLoss, HeadsLoss, attention_loss, label_loss
from train.recipes import LossConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOGITS = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 0.0]], np.float32)
TARGETS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
SUMS = exp(2) + 1 + exp(-1), 2 * exp(0.5) + 1
RIGHT = exp(2) / SUMS[0], 1 / SUMS[1]
"""The probability of the true label."""


def losses(targets: NDArray[np.float32] = TARGETS, **config: Any) -> NDArray[np.float32]:
    return np.asarray(ops.convert_to_numpy(label_loss(ops.array(targets), ops.array(LOGITS), LossConfig(**config))))


def test_cross_entropy() -> None:
    assert losses() == pytest.approx([-log(p) for p in RIGHT], rel=1e-5)


def test_focal_loss() -> None:
    assert losses(kind="focal") == pytest.approx([-((1 - p) ** 2) * log(p) for p in RIGHT], rel=1e-4)
    assert losses(kind="focal", focal_gamma=0) == pytest.approx(losses(), rel=1e-4)


def test_squared_hinge_loss() -> None:
    # max(0, 1 - y z)^2 with y of 1 and -1: of the first row 0, 1, 0; of the second 1.5^2, 1.5^2, 1.
    assert losses(kind="squared_hinge") == pytest.approx([1 / 3, (2.25 + 2.25 + 1) / 3])


def test_a_target_between_both_sides_gives_a_squared_hinge_loss_of_both() -> None:
    # 0.7 max(0, 1 - z)^2 + 0.3 max(0, 1 + z)^2, whose least is where the face of a sure label has its own: z = 0.4.
    soft = np.array([[0.7, 0.3, 0.0]], np.float32)
    logits = np.array([[0.4, -0.4, -1.0], [0.5, -0.4, -1.0], [0.3, -0.4, -1.0]], np.float32)
    found = label_loss(ops.array(np.repeat(soft, 3, axis=0)), ops.array(logits), LossConfig(kind="squared_hinge"))
    assert float(found[0]) == pytest.approx(2 * (0.7 * 0.36 + 0.3 * 1.96) / 3)
    assert int(np.argmin(ops.convert_to_numpy(found))) == 0


def test_label_smoothing() -> None:
    smooth = 0.1
    logs = [[2 - log(SUMS[0]), -log(SUMS[0]), -1 - log(SUMS[0])], [0.5 - log(SUMS[1])] * 2 + [-log(SUMS[1])]]
    by_hand = [-(0.9 * row[true] + smooth / 3 * sum(row)) for row, true in zip(logs, (0, 2), strict=True)]
    assert losses(label_smoothing=smooth) == pytest.approx(by_hand, rel=1e-5)
    keras_own = keras.losses.categorical_crossentropy(TARGETS, LOGITS, from_logits=True, label_smoothing=smooth)
    assert losses(label_smoothing=smooth) == pytest.approx(ops.convert_to_numpy(keras_own), rel=1e-5)


@pytest.mark.parametrize("kind", ["cross_entropy", "focal", "squared_hinge"])
def test_a_face_without_a_label_adds_nothing(kind: str) -> None:
    assert losses(np.zeros_like(TARGETS), kind=kind, label_smoothing=0.1) == pytest.approx(0)


def test_a_recipe_s_loss_is_the_one_that_is_made_small() -> None:
    heads = (Head("fer2013", ("a", "b", "c"), 1.0, slice(0, 3)),)
    config = LossConfig(kind="squared_hinge")
    whole = HeadsLoss(heads, config=config)(ops.array(TARGETS), ops.array(LOGITS))
    assert float(whole) == pytest.approx(float(losses(kind="squared_hinge").mean()))


def test_attention_loss() -> None:
    maps = [np.full((2, 7, 7, 4), value, np.float32) for value in (0.1, 0.3, 0.6)]
    # Squared differences of the pairs: 0.04, 0.25 and 0.09.
    assert float(attention_loss(maps)) == pytest.approx(1 / 0.38, rel=1e-4)
    assert np.isfinite(float(attention_loss([maps[0], maps[0]])))


def test_attention_loss_is_added_to_what_is_made_small() -> None:
    logits, *maps = (keras.Input(shape) for shape in ((3,), (1, 1, 1), (1, 1, 1)))
    model = keras.Model([logits, *maps], AttentionLoss(0.1)([logits, *maps]))
    values = [np.ones((2, 3)), np.zeros((2, 1, 1, 1)), np.full((2, 1, 1, 1), 0.5)]
    assert np.array_equal(model(values), values[0])
    assert [float(loss) for loss in model.losses] == pytest.approx([0.1 / 0.25], rel=1e-4)
