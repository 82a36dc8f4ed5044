from __future__ import annotations

import numpy as np
import pytest

from edge.config import EmotionConfig
from edge.errors import ConfigError
from edge.inference.adjustment import logit_adjustment
from edge.inference.bundle import ModelBundle
from edge.inference.card import Calibration
from edge.inference.outputs import Logits

PRIORS = (0.7, 0.2, 0.1)


def test_the_adjustment_divides_probabilities_by_the_priors_to_the_power_of_the_balance() -> None:
    """Worked out by hand: 0.7, 0.2 and 0.1 divided by their own priors are equally probable."""
    logits = Logits(np.log(np.array([PRIORS], np.float32)) * np.float32(2))
    assert logits.predict(2.0).probabilities[0] == pytest.approx(PRIORS)
    whole = logits.predict(2.0, logit_adjustment(PRIORS, 1.0)).probabilities[0]
    assert whole == pytest.approx([1 / 3] * 3)
    half = np.sqrt(PRIORS)
    by_half = logits.predict(2.0, logit_adjustment(PRIORS, 0.5)).probabilities[0]
    assert by_half == pytest.approx(half / half.sum())


def bundle(balance: float | None, *, in_card: float = 0.0, priors: bool = True) -> ModelBundle:
    shipped = ModelBundle.load()
    known = tuple(np.linspace(1, 8, 8) / 36) if priors else None
    calibration = Calibration(
        temperature=shipped.card.calibration.temperature,
        min_confidence=0.5,
        min_face_score=0.5,
        balance=in_card,
        priors=known,
    )
    return ModelBundle(shipped.card.model_copy(update={"calibration": calibration}), shipped.network, balance)


def test_the_user_s_balance_takes_the_place_of_the_card_s() -> None:
    face = np.random.default_rng(0).integers(0, 255, (1, 48, 48), dtype=np.uint8)

    def rarest(subject: ModelBundle) -> float:
        return float(subject.read(face).probabilities[0, 0])

    assert rarest(bundle(None)) == rarest(bundle(0.0, in_card=0.5))
    assert rarest(bundle(None, in_card=0.5)) == rarest(bundle(0.5))
    assert rarest(bundle(0.0)) < rarest(bundle(0.5)) < rarest(bundle(1.0))


def test_a_balance_needs_a_card_with_priors() -> None:
    with pytest.raises(ConfigError, match=r"emotion\.balance: the card of the model emotion has no priors"):
        bundle(0.5, priors=False)
    assert bundle(0.0, priors=False).balance == 0


def test_the_settings_choose_model_and_balance() -> None:
    assert ModelBundle.configured(EmotionConfig(balance=0)).balance == 0
