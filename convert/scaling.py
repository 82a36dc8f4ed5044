"""How gray levels become what a network was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from edge.frozen import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHITE = 255.0


class Scaling(FrozenModel, allow_inf_nan=False):
    """How a gray level becomes what the network was trained on: ``(level scaled to range - mean) / std``."""

    range: tuple[float, float]
    """What black and white become, before mean and deviation."""

    mean: tuple[float, ...] = Field(min_length=1)
    """What is then subtracted, a number for each channel."""

    std: tuple[float, ...] = Field(min_length=1)
    """What that is divided by."""

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return ``(N, H, W)`` gray levels as ``(N, H, W, C)`` normalised pixels, every channel from the same gray."""
        black, white = self.range
        scaled = pixels.astype(np.float32)[..., None] / _WHITE * (white - black) + black
        return np.asarray((scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32), np.float32)

    def for_channels(self, channels: int) -> Scaling:
        """Return it with a number for each of so many channels; one number serves them all."""
        mean, std = (tuple(np.broadcast_to(part, channels).tolist()) for part in (self.mean, self.std))
        return Scaling(range=self.range, mean=mean, std=std)

    def affine(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return slope and offset of each channel, as a function of the gray level."""
        black, white = self.range
        mean, std = np.array(self.mean), np.array(self.std)
        return (white - black) / _WHITE / std, (black - mean) / std


PLAIN = Scaling(range=(0, _WHITE), mean=(0,), std=(1,))
"""Gray levels as they are: the network normalises them itself."""

USUAL: dict[str, Scaling] = {
    "0 to 255": PLAIN,
    "0 to 1": Scaling(range=(0, 1), mean=(0,), std=(1,)),
    "-1 to 1": Scaling(range=(-1, 1), mean=(0,), std=(1,)),
    "ImageNet's mean and deviation": Scaling(range=(0, 1), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
}
"""How published networks take their pixels."""
