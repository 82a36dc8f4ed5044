"""What lens, distance and movement do to a face: blur, few pixels, motion blur."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from train.augment.layer import WHITE, RandomLayer
from train.recipes.augment import LONGEST_MOTION


class RandomBlur(RandomLayer):
    """Blur each picture by a 5x5 binomial kernel, or sharpen it by subtracting that blur."""

    def change(self, images: Any) -> Any:
        """Blend picture and blur by one random weight per picture; below 0 it sharpens."""
        row = ops.convert_to_tensor([1.0, 4.0, 6.0, 4.0, 1.0])
        kernel = ops.reshape(row[:, None] * row[None, :] / 256, (5, 5, 1, 1))
        padded = ops.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="reflect")
        blurred = ops.conv(padded, kernel, padding="valid")
        chosen = self.chosen(images, self.config.blur_share)
        weight = ops.where(
            chosen, self.uniform(images, 0, self.config.blur), -self.uniform(images, 0, self.config.sharpen)
        )
        return ops.clip(images + weight * (blurred - images), 0.0, WHITE)


class RandomMotion(RandomLayer):
    """Blur some pictures along a line of random direction and length: a head that moves before an open shutter."""

    def change(self, images: Any) -> Any:
        """Filter each picture by a kernel of its own; without motion it is 1 in the middle."""
        size = LONGEST_MOTION + 2
        padded = ops.pad(images, [[0, 0], [size // 2, size // 2], [size // 2, size // 2], [0, 0]], mode="symmetric")
        as_channels = ops.transpose(padded, (3, 1, 2, 0))
        kernels = ops.transpose(self._kernels(images, size), (1, 2, 0, 3))
        return ops.transpose(ops.depthwise_conv(as_channels, kernels, padding="valid"), (3, 1, 2, 0))

    def _kernels(self, images: Any, size: int) -> Any:
        """Return a kernel per picture, ``(N, size, size, 1)``."""
        chosen = self.chosen(images, self.config.motion_share)
        length = self.uniform(images, 1, self.config.motion)
        angle = self.uniform(images, 0, math.pi)
        place = ops.arange(size, dtype="float32") - size // 2
        right, down = ops.reshape(place, (1, 1, size, 1)), ops.reshape(place, (1, size, 1, 1))
        along = ops.abs(right * ops.cos(angle) + down * ops.sin(angle))
        beside = ops.abs(down * ops.cos(angle) - right * ops.sin(angle))
        line = ops.clip((length + 1) / 2 - along, 0, 1) * ops.clip(1 - beside, 0, 1)
        line = ops.where(chosen, line, ops.cast((right == 0) & (down == 0), line.dtype))
        return line / ops.sum(line, axis=(1, 2), keepdims=True)


class RandomResolution(RandomLayer):
    """Reduce some pictures to few pixels and enlarge them again, as a face far from the camera is."""

    SIDES = (20, 24, 32)

    def change(self, images: Any) -> Any:
        """Resample the chosen pictures, each at one of the sizes."""
        draw = self.uniform(images, 0, 1)
        part = self.config.coarse_share / len(self.SIDES)
        index = ops.cast(ops.minimum(draw[:, 0, 0, 0] / part, len(self.SIDES) - 1), "int32")
        rows, columns = (ops.take(self._resampling(size), index, axis=0) for size in images.shape[1:3])
        seen = ops.matmul(ops.matmul(rows, images[..., 0]), ops.transpose(columns, (0, 2, 1)))
        return ops.where(draw < self.config.coarse_share, seen[..., None], images)

    def _resampling(self, size: int) -> Any:
        """Return matrices, ``(sizes, size, size)``, that reduce a column of pixels and enlarge it: both are linear."""
        each_pixel = ops.eye(size)[None, :, :, None]
        small = [ops.image.resize(each_pixel, (side, size), antialias=True) for side in self.SIDES]
        return ops.stack([ops.image.resize(pixels, (size, size))[0, :, :, 0] for pixels in small])
