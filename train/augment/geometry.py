"""Where a face lies in its picture."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from train.augment.layer import RandomLayer


class RandomAffine(RandomLayer):
    """Flip, rotate, scale, shear and shift, in one resampling."""

    def change(self, images: Any) -> Any:
        """Resample with an affine map per picture, edges repeated."""
        count, height, width = ops.shape(images)[0], images.shape[1], images.shape[2]

        def draw(limit: float) -> Any:
            return keras.random.uniform((count,), -limit, limit, seed=self.seed)

        angle = draw(self.config.rotate_degrees) * math.pi / 180
        zoom = ops.exp(draw(self.config.scale) - self.config.grow)
        mirror = ops.where(draw(1.0) < 0, -1.0, 1.0) if self.config.flip else 1.0
        # Output (x, y) reads from input (a x + b y + c, d x + e y + f), both about the centre.
        a, b = mirror * zoom * ops.cos(angle), -mirror * zoom * ops.sin(angle)
        d, e = zoom * ops.sin(angle), zoom * ops.cos(angle)
        if self.config.shear:
            slant = draw(self.config.shear)
            b, e = b + a * slant, e + d * slant
        x, y = (width - 1) / 2, (height - 1) / 2
        c = x - a * x - b * y + draw(self.config.shift) * width
        f = y - d * x - e * y + draw(self.config.shift) * height
        zero = ops.zeros_like(a)
        transform = ops.stack([a, b, c, d, e, f, zero, zero], axis=1)
        return ops.image.affine_transform(images, transform, interpolation="bilinear", fill_mode="nearest")
