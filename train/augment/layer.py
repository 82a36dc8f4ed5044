"""What all random changes of faces share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    from train.recipes.augment import AugmentConfig

WHITE = 255.0


class RandomLayer(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A layer that acts in training only, in float32 whatever the network's precision."""

    def __init__(self, config: AugmentConfig, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.config = config
        self.seed = keras.random.SeedGenerator()

    def call(self, images: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002  # Keras's own signature
        """Return changed pictures in training, and the same ones otherwise."""
        return self.change(images) if training else images

    def change(self, images: Any) -> Any:
        """Return changed pictures, of the same shape."""
        raise NotImplementedError

    def uniform(self, images: Any, low: float, high: float) -> Any:
        """Return a random number per picture, ``(N, 1, 1, 1)``."""
        return keras.random.uniform((ops.shape(images)[0], 1, 1, 1), low, high, seed=self.seed)

    def chosen(self, images: Any, share: float) -> Any:
        """Return which pictures are among a random share of them, ``(N, 1, 1, 1)``."""
        return self.uniform(images, 0, 1) < share


def places(images: Any) -> tuple[Any, Any]:
    """Return the pixels' places across, ``(1, 1, W, 1)``, and down, ``(1, H, 1, 1)``, from 0 to 1."""
    height, width = images.shape[1:3]
    across, down = ((ops.arange(size, dtype="float32") + 0.5) / size for size in (width, height))
    return ops.reshape(across, (1, 1, width, 1)), ops.reshape(down, (1, height, 1, 1))
