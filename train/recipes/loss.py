"""What a network is trained to make small; `train.losses` computes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from edge.frozen import FrozenModel


class LossConfig(FrozenModel):
    """The loss of the heads for emotions."""

    kind: Literal["cross_entropy", "focal", "squared_hinge"] = "cross_entropy"
    """`focal`: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017. `squared_hinge`: the support vector
    machine of each emotion against all others; Tang, "Deep Learning using Linear Support Vector Machines", 2013."""

    focal_gamma: float = Field(default=2.0, ge=0)
    """How much less faces count that are recognised already; with 0 it is the cross-entropy."""

    attention: float = Field(default=0.0, ge=0)
    """Weight of the reciprocal of how much the maps of a network's heads of attention differ, so that each looks at
    something else; 0: none. For networks that have such heads."""

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of each target that is spread over all labels. Szegedy et al., "Rethinking the Inception Architecture for
    Computer Vision", CVPR 2016."""

    logit_adjustment: float = Field(default=0.0, ge=0, le=1)
    """Tau of the logit-adjusted softmax: tau times the logarithm of each emotion's share in training is added to the
    logits that are learned, so that the network itself expects rare ones more often. Menon et al., "Long-tail learning
    via logit adjustment", ICLR 2021. A bundle's `balance` does the same to a network that learned without it."""

    @model_validator(mode="after")
    def _is_of_a_softmax(self) -> LossConfig:
        if self.logit_adjustment and self.kind == "squared_hinge":
            message = "logit_adjustment: it is for a softmax, which squared_hinge has not; write 0"
            raise ValueError(message)
        return self
