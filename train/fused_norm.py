"""Batch normalisation in one operation of TensorFlow.

Keras makes it of several, each of which reads or writes all maps: without them a step of `emotion` takes 0.73 of the
time (with bfloat16, on two cores).
"""

from __future__ import annotations

import importlib
from typing import Any

import keras

_PICTURES = 4
"""Axes of the maps of pictures, which the operation is for: batch, height, width and channels."""


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # keras has no types
    """Keras' layer, with the same weights and results.

    It has Keras' name, as checkpoints have the names of classes.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: FBT001  # Keras' own
        """Return the normalised maps, in the precision of the inputs; in training, follow their statistics."""
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        tensorflow: Any = importlib.import_module("tensorflow")
        maps, scale, offset = (keras.ops.cast(each, "float32") for each in (inputs, self.gamma, self.beta))
        found = tensorflow.raw_ops.FusedBatchNormV3(
            x=maps, scale=scale, offset=offset, mean=(), variance=(), epsilon=self.epsilon, is_training=True
        )
        values = keras.ops.cast(keras.ops.prod(keras.ops.shape(maps)[:-1]), "float32")
        variance = found.batch_variance * (values - 1) / values  # it estimates that of all pictures, Keras takes these
        for statistic, seen in ((self.moving_mean, found.batch_mean), (self.moving_variance, variance)):
            statistic.assign(statistic * self.momentum + seen * (1 - self.momentum))
        return keras.ops.cast(found.y, self.compute_dtype)


def fused(network: keras.Model) -> keras.Model:
    """Return a copy of a network, with its weights, whose batch normalisation is one operation; elsewhere, itself."""
    if keras.backend.backend() != "tensorflow":
        return network
    copy = keras.models.clone_model(network, clone_function=_fused_layer)
    copy.set_weights(network.get_weights())
    return copy


def _fused_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    make = BatchNormalization if _can_be_fused(layer) else type(layer)
    return make.from_config(layer.get_config())


def _can_be_fused(layer: keras.layers.Layer) -> bool:
    if type(layer) is not keras.layers.BatchNormalization or layer.renorm or layer.synchronized:
        return False
    axes = len(layer.input.shape)
    return layer.center and layer.scale and axes == _PICTURES and layer.axis in {-1, axes - 1}
