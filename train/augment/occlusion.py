"""What lies before a face: anything, glasses, a hand."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from train.augment.layer import WHITE, RandomLayer, places


class RandomErase(RandomLayer):
    """Fill one rectangle of some of the pictures with one gray."""

    def change(self, images: Any) -> Any:
        """Erase by comparing each pixel's place with the rectangle's edges."""
        inside = self._span(images, axis=1) & self._span(images, axis=2) & self.chosen(images, self.config.erase_share)
        return ops.where(inside, self.uniform(images, 0, WHITE), images)

    def _span(self, images: Any, axis: int) -> Any:
        size = images.shape[axis]
        place = ops.reshape(ops.arange(size, dtype="float32"), [size if i == axis else 1 for i in range(4)])
        half = self.uniform(images, self.config.erase_least * size / 2, self.config.erase * size / 2)
        return ops.abs(place - self.uniform(images, 0, size)) < half


class RandomGlasses(RandomLayer):
    """Put glasses on some faces, a third of them with dark lenses, where the eyes are in FER2013's pictures."""

    EYES = (0.50, 0.19, 0.385)
    """The middle between them across the picture, how far each is from it, and how far down; of its width."""

    def change(self, images: Any) -> Any:
        """Draw frames, lenses, the bridge and the sides in one gray."""
        across, down = places(images)
        middle, apart, height = (self.uniform(images, eye - 0.03, eye + 0.03) for eye in self.EYES)
        wide, high = self.uniform(images, 0.1, 0.17), self.uniform(images, 0.08, 0.14)
        half_frame = self.uniform(images, 0.5, 3) / images.shape[2] / 2
        from_eye, below = ops.abs(ops.abs(across - middle) - apart), ops.abs(down - height)
        u, v = ops.square(from_eye / wide), ops.square(below / high)
        is_round = self.chosen(images, 0.5)
        radius = ops.sqrt(ops.where(is_round, u + v, ops.sqrt(u * u + v * v)))  # 1 on the frame
        frame = _within(images, half_frame - ops.abs(radius - 1) * high)
        sides = _within(images, half_frame - below) * _within(images, from_eye - wide)
        is_dark = self.chosen(images, 1 / 3)
        lenses = ops.where(is_dark, self.uniform(images, 0.3, 1), 0.0) * _within(images, (1 - radius) * high)
        drawn = ops.maximum(ops.maximum(frame, sides), lenses)
        chosen = self.chosen(images, self.config.glasses_share)
        return ops.where(chosen, images + drawn * (self.uniform(images, 0, 0.5 * WHITE) - images), images)


class RandomHand(RandomLayer):
    """Cover the lower part of some faces or a cheek with an ellipse of the face's own brightness, as a hand does."""

    def change(self, images: Any) -> Any:
        """Draw an ellipse that lies anywhere in the lower half, at any angle."""
        across, down = places(images)
        right, below = across - self.uniform(images, 0, 1), down - self.uniform(images, 0.6, 1.1)
        angle = self.uniform(images, 0, math.pi)
        u, v = right * ops.cos(angle) + below * ops.sin(angle), below * ops.cos(angle) - right * ops.sin(angle)
        wide, high = self.uniform(images, 0.12, 0.34), self.uniform(images, 0.12, 0.34)
        radius = ops.sqrt(ops.square(u / wide) + ops.square(v / high))
        hand = _within(images, (1 - radius) * ops.minimum(wide, high))
        level = ops.mean(images, axis=(1, 2, 3), keepdims=True) * self.uniform(images, 0.7, 1.3)
        chosen = self.chosen(images, self.config.hand_share)
        return ops.where(chosen, images + hand * (ops.minimum(level, WHITE) - images), images)


def _within(images: Any, distance: Any) -> Any:
    """Return which part of each pixel is within an edge, by its distance from it in parts of the width, inwards."""
    return ops.clip(distance * images.shape[2] + 0.5, 0, 1)
