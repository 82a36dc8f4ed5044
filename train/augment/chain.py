"""The whole chain of random changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from train.augment.geometry import RandomAffine
from train.augment.layer import RandomLayer
from train.augment.light import RandomLight
from train.augment.occlusion import RandomErase, RandomGlasses, RandomHand
from train.augment.optics import RandomBlur, RandomMotion, RandomResolution
from train.recipes.augment import UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from train.recipes.augment import AugmentConfig


class RandomChoice(RandomLayer):
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


def _layers(config: AugmentConfig) -> Iterator[RandomLayer]:
    """Yield the layers that change something."""
    if config.one_of:
        yield RandomChoice(config)
        return
    if config.glasses_share:
        yield RandomGlasses(config)
    if config.hand_share:
        yield RandomHand(config)
    if config.rotate_degrees or config.scale or config.grow or config.shift or config.shear or config.flip:
        yield RandomAffine(config)
    if config.erase:
        yield RandomErase(config)
    if config.motion_share:
        yield RandomMotion(config)
    if config.blur or config.sharpen:
        yield RandomBlur(config)
    if config.contrast or config.brightness or config.noise or config.gamma > 1 or config.side_light or config.tone:
        yield RandomLight(config)
    if config.coarse_share:
        yield RandomResolution(config)


class Augmentation(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """The whole chain: occlusion, geometry, optics, light, resolution; or, in light epochs, mirror images alone."""

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
