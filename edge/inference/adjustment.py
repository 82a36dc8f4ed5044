"""Logit adjustment: what the share of each emotion in the training data costs its logit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def logit_adjustment(priors: Sequence[float], balance: float) -> NDArray[np.float32]:
    """Return what to subtract from logits so that rare emotions are favoured: ``(C,)``.

    Menon et al., "Long-tail learning via logit adjustment", ICLR 2021.

    Args:
        priors: Share of each of the ``C`` labels in the training data, above 0.
        balance: τ, 0 to 1: 0 expects emotions as often as in the training data, 1 each equally often.
    """
    return np.asarray(np.float32(balance) * np.log(np.array(priors, np.float32)), np.float32)
