"""How a camera records a scene: exposure, gamma, drift, blur and sensor noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIM_LEVEL, DIM_SIGMA = 45.0, 8.0
"""Mean gray level and noise of a dim room: a camera out of exposure time raises its gain."""

_SPARE = 64
"""Pixels by which the noise field is larger than a frame, each way; a frame's noise starts anywhere within."""


@dataclass(frozen=True)
class Exposure:
    """How one camera sees one room."""

    level: float
    """Mean gray level that the empty room gets."""

    gamma: float
    sigma: float
    """Standard deviation of the noise, in gray levels."""

    blur: float
    """Standard deviation of the blur in pixels; 0: sharp."""

    drift: float
    """Most that the brightness drifts to each side, as a part of it."""

    drift_s: float
    """Seconds of a whole drift to and fro."""


def exposure(random: np.random.Generator) -> Exposure:
    """Return a random camera: one of four in dim light, one of three slightly out of focus."""
    dim, soft = random.random() < 0.25, random.random() < 0.33
    return Exposure(
        level=DIM_LEVEL if dim else float(random.uniform(80, 150)),
        gamma=float(random.uniform(0.75, 1.3)),
        sigma=DIM_SIGMA if dim else float(random.uniform(2, 6)),
        blur=float(random.uniform(0.6, 1.2)) if soft else 0.0,
        drift=float(random.uniform(0, 0.12)),
        drift_s=float(random.uniform(8, 30)),
    )


class Sensor:
    """A camera in one room."""

    def __init__(self, random: np.random.Generator, room: NDArray[np.float32], look: Exposure) -> None:
        """Prepare the noise and the exposure.

        Args:
            random: Decides the noise.
            room: ``(H, W)`` gray levels of the empty room.
            look: How it is to look.
        """
        self._look = look
        self._shape = height, width = room.shape
        noise = random.standard_normal((height + _SPARE, width + _SPARE), np.float32)
        self._noise = noise * np.float32(look.sigma)
        curve = 255 * (np.arange(256) / 255) ** look.gamma
        self._curve = (curve * look.level / curve[room.astype(np.uint8)].mean()).astype(np.float32)

    def shoot(self, scene: NDArray[np.uint8], time_s: float, random: np.random.Generator) -> NDArray[np.uint8]:
        """Return the frame of a scene; both ``(H, W)`` gray levels."""
        brightness = 1 + self._look.drift * math.sin(2 * math.pi * time_s / self._look.drift_s)
        seen = cv2.LUT(scene, self._curve * np.float32(brightness))
        if self._look.blur:
            seen = cv2.GaussianBlur(seen, (0, 0), self._look.blur)
        top, left = random.integers(0, _SPARE, 2)
        noise = self._noise[top : top + self._shape[0], left : left + self._shape[1]]
        return np.asarray(np.clip(seen + noise + np.float32(0.5), 0, 255), dtype=np.uint8)
