"""What light and sensor do to a face."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from train.augment.layer import WHITE, RandomLayer, places


class RandomLight(RandomLayer):
    """Light the face from one side, change tone curve, contrast and brightness, then add sensor noise."""

    def change(self, images: Any) -> Any:
        """Act on the picture as light and sensor would, and clip to 0..255."""
        if self.config.side_light:
            images = self._from_one_side(images)
        limit = math.log(self.config.gamma)
        gamma = ops.exp(self.uniform(images, -limit, limit))
        levels = ops.power(ops.clip(images / WHITE, 1e-4, 1.0), gamma)
        if self.config.tone:
            bend = self.uniform(images, -self.config.tone, self.config.tone) / (2 * math.pi)
            levels = levels + bend * ops.sin(2 * math.pi * levels)
        images = WHITE * levels
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        contrast = self.uniform(images, 1 - self.config.contrast, 1 + self.config.contrast)
        shift = self.uniform(images, -WHITE * self.config.brightness, WHITE * self.config.brightness)
        # Half of the pictures get next to no noise: most rooms are not dark.
        sigma = WHITE * ops.maximum(self.uniform(images, -self.config.noise, self.config.noise), 0.0)
        noise = keras.random.normal(ops.shape(images), seed=self.seed) * sigma
        return ops.clip((images - mean) * contrast + mean + shift + noise, 0.0, WHITE)

    def _from_one_side(self, images: Any) -> Any:
        across, down = places(images)
        much, angle = self.uniform(images, 0, self.config.side_light), self.uniform(images, 0, 2 * math.pi)
        right, below = much * ops.cos(angle), much * ops.sin(angle)
        return images * (1 + right * (2 * across - 1) + below * (2 * down - 1))
