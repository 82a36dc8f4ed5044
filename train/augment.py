"""Random changes that a Pi's camera and detector make to a face, as Keras layers.

Each layer maps float32 gray pictures ``(N, H, W, 1)`` in 0..255 to the same, does
nothing outside training, and runs on the accelerator with any Keras backend.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from train.recipes.augment import UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from train.recipes.augment import AugmentConfig

_WHITE = 255.0


class _RandomLayer(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A layer that acts in training only, in float32 whatever the network's precision."""

    def __init__(self, config: AugmentConfig, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.config = config
        self.seed = keras.random.SeedGenerator()

    def call(self, images: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002  # Keras's own signature
        return self.change(images) if training else images

    def change(self, images: Any) -> Any:
        raise NotImplementedError

    def uniform(self, images: Any, low: float, high: float) -> Any:
        """Return a random number per picture, ``(N, 1, 1, 1)``."""
        return keras.random.uniform((ops.shape(images)[0], 1, 1, 1), low, high, seed=self.seed)


class RandomAffine(_RandomLayer):
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


class RandomBlur(_RandomLayer):
    """Blur each picture by a 5x5 binomial kernel, or sharpen it by subtracting that blur."""

    def change(self, images: Any) -> Any:
        """Blend picture and blur by one random weight per picture; below 0 it sharpens."""
        row = ops.convert_to_tensor([1.0, 4.0, 6.0, 4.0, 1.0])
        kernel = ops.reshape(row[:, None] * row[None, :] / 256, (5, 5, 1, 1))
        padded = ops.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="reflect")
        blurred = ops.conv(padded, kernel, padding="valid")
        chosen = self.uniform(images, 0, 1) < self.config.blur_share
        weight = ops.where(
            chosen, self.uniform(images, 0, self.config.blur), -self.uniform(images, 0, self.config.sharpen)
        )
        return ops.clip(images + weight * (blurred - images), 0.0, _WHITE)


class RandomLight(_RandomLayer):
    """Change tone curve, contrast and brightness, then add sensor noise."""

    def change(self, images: Any) -> Any:
        """Act on the picture as light and sensor would, and clip to 0..255."""
        limit = math.log(self.config.gamma)
        gamma = ops.exp(self.uniform(images, -limit, limit))
        images = _WHITE * ops.power(ops.clip(images / _WHITE, 1e-4, 1.0), gamma)
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        contrast = self.uniform(images, 1 - self.config.contrast, 1 + self.config.contrast)
        shift = self.uniform(images, -_WHITE * self.config.brightness, _WHITE * self.config.brightness)
        # Half of the pictures get next to no noise: most rooms are not dark.
        sigma = _WHITE * ops.maximum(self.uniform(images, -self.config.noise, self.config.noise), 0.0)
        noise = keras.random.normal(ops.shape(images), seed=self.seed) * sigma
        return ops.clip((images - mean) * contrast + mean + shift + noise, 0.0, _WHITE)


class RandomResolution(_RandomLayer):
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


class RandomErase(_RandomLayer):
    """Fill one rectangle of some of the pictures with one gray."""

    def change(self, images: Any) -> Any:
        """Erase by comparing each pixel's place with the rectangle's edges."""
        inside = self._span(images, axis=1) & self._span(images, axis=2) & self._chosen(images)
        return ops.where(inside, self.uniform(images, 0, _WHITE), images)

    def _chosen(self, images: Any) -> Any:
        return self.uniform(images, 0, 1) < self.config.erase_share

    def _span(self, images: Any, axis: int) -> Any:
        size = images.shape[axis]
        place = ops.reshape(ops.arange(size, dtype="float32"), [size if i == axis else 1 for i in range(4)])
        half = self.uniform(images, self.config.erase_least * size / 2, self.config.erase * size / 2)
        return ops.abs(place - self.uniform(images, 0, size)) < half


class RandomChoice(_RandomLayer):
    """Rotate, shift, mirror (with `flip`) or erase a part: each picture in one of these ways."""

    def __init__(self, config: AugmentConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.rotate, self.shift = (
            RandomAffine(UNCHANGED.model_copy(update={field: getattr(config, field)}))
            for field in ("rotate_degrees", "shift")
        )
        self.erase = RandomErase(config.model_copy(update={"erase_share": 1.0}))

    def build(self, input_shape: Any) -> None:
        """Build the layers."""
        for layer in (self.rotate, self.shift, self.erase):
            layer.build(input_shape)
        self.built = True

    def change(self, images: Any) -> Any:
        """Change the whole batch in each way, and choose per picture."""
        mirrored = [images[:, :, ::-1]] if self.config.flip else []
        ways = (self.rotate.change(images), self.shift.change(images), *mirrored, self.erase.change(images))
        draw = self.uniform(images, 0, len(ways))
        for index, changed in enumerate(ways):
            images = ops.where((draw >= index) & (draw < index + 1), changed, images)
        return images


def _layers(config: AugmentConfig) -> Iterator[_RandomLayer]:
    """Yield the layers that change something."""
    if config.one_of:
        yield RandomChoice(config)
        return
    if config.rotate_degrees or config.scale or config.grow or config.shift or config.shear or config.flip:
        yield RandomAffine(config)
    if config.erase:
        yield RandomErase(config)
    if config.blur or config.sharpen:
        yield RandomBlur(config)
    if config.contrast or config.brightness or config.noise or config.gamma > 1:
        yield RandomLight(config)
    if config.coarse_share:
        yield RandomResolution(config)


class Augmentation(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """The whole chain: geometry, occlusion, optics, light, resolution; or, in light epochs, mirror images alone."""

    def __init__(self, config: AugmentConfig, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.strong = list(_layers(config))
        self.mirror = RandomAffine(UNCHANGED.model_copy(update={"flip": config.flip}))
        self.is_light = self.add_weight(shape=(), initializer="zeros", trainable=False, name="is_light")

    def build(self, input_shape: Any) -> None:
        """Build the chain's layers."""
        for layer in (*self.strong, self.mirror):
            layer.build(input_shape)
        self.built = True

    def call(self, images: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002  # Keras's own signature
        """Return changed pictures in training, and the same ones otherwise."""
        if not training:
            return images
        changed = images
        for layer in self.strong:
            changed = layer(changed, training=True)
        return ops.where(self.is_light > 0, self.mirror(images, training=True), changed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the same shape."""
        return input_shape
