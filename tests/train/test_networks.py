from __future__ import annotations

import numpy as np

from train.networks import ResNetConfig, resnet
from train.networks.cost import count_macs

SMALL = ResNetConfig(stem=8, widths=(16, 32), blocks=(1, 1))


def test_squeeze_excite_adds_two_small_convolutions_a_block() -> None:
    plain = resnet(SMALL, 48, 8)
    excited = resnet(SMALL.model_copy(update={"squeeze": 0.25}), 48, 8)
    more = sum(width * 8 + 8 + 8 * width + width for width in SMALL.widths)  # the bottleneck is 8 wide at least
    assert excited.count_params() - plain.count_params() == more
    assert count_macs(excited) - count_macs(plain) == sum(2 * 8 * width for width in SMALL.widths)
    assert excited.predict(np.zeros((2, 48, 48, 1)), verbose=0).shape == (2, 8)
