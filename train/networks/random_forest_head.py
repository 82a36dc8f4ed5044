"""A random forest on what another network makes of a face before it names an emotion.

Breiman, "Random Forests", Machine Learning 2001. A source puts one in the place of the softmax of its "Model 2"
(`cnn_wide`) and calls it "drastically" worse; it says neither how many trees nor how deep. Here each tree is a complete
binary one of a fixed depth, so that the forest is three arrays: it is kept, loaded and run as the weights of any
network, and nothing of scikit-learn, which grows it in `train.forest`, is needed for that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import keras
import numpy as np
from keras import layers, ops
from pydantic import Field

from train.networks.config import NetworkSettings

ALWAYS_LEFT = float(np.finfo(np.float16).max)
"""Threshold of a place below which a tree has nothing more to ask: the largest number of half precision."""

_LEAST = 1e-6
"""Probability that an emotion has which no tree knows there: its logarithm is finite."""


class RandomForestHeadConfig(NetworkSettings):
    """Whose features the forest takes, and its size."""

    one_model: ClassVar[bool] = True
    gradients: ClassVar[bool] = False

    kind: Literal["random_forest_head"] = "random_forest_head"

    features: Path = Path("train/weights/cnn_wide.npz")
    """The network whose last layer's inputs are the features, as `train.kept` writes it; relative to the repository. It
    is not changed."""

    sha256: str = ""
    """Of that file: a forest goes with this one alone. `fit` fills it in; empty: any."""

    trees: int = Field(default=100, gt=0)

    depth: int = Field(default=12, gt=0, le=14)
    """Questions from the root of a tree to a leaf. On the features of `cnn_two_block` 50 trees of depth 12 are right
    for 64.8 % of PublicTest, of 10 for 64.1 %, and of any depth for 64.9 %."""


@keras.saving.register_keras_serializable("emotion_edge")
class Forest(layers.Layer):  # type: ignore[misc]  # keras has no types
    """The mean answer of decision trees, as the logarithms of probabilities.

    The questions of a tree lie in the order of a heap: those after the one at `i` are at `2 i + 1`, where the value is
    at most the threshold, and at `2 i + 2`.
    """

    def __init__(self, trees: int, depth: int, classes: int, **options: Any) -> None:
        super().__init__(dtype="float32", trainable=False, **options)
        self.trees, self.depth, self.classes = trees, depth, classes
        questions, leaves = (trees, 2**depth - 1), (trees, 2**depth, classes)
        self.which = self.add_weight(shape=questions, initializer="zeros", name="which")
        self.threshold = self.add_weight(shape=questions, initializer="zeros", name="threshold")
        self.leaves = self.add_weight(shape=leaves, initializer="ones", name="leaves")
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {
            "name": self.name,
            "trees": self.trees,
            "depth": self.depth,
            "classes": self.classes,
        }

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, int]:
        """Return the shape of the answer to features of a shape."""
        return input_shape[0], self.classes

    def call(self, features: Any) -> Any:
        """Return ``(N, C)`` logits of ``(N, D)`` features."""
        which, threshold = (ops.reshape(values, (-1,)) for values in (self.which, self.threshold))
        first = ops.arange(self.trees, dtype="int32")[None]  # of each tree, in what is flat
        place = ops.zeros_like(ops.cast(features[:, :1], "int32")) + 0 * first
        for _ in range(self.depth):
            asked = first * (2**self.depth - 1) + place
            value = ops.take_along_axis(features, ops.cast(ops.take(which, asked), "int32"), axis=1)
            place = 2 * place + 1 + ops.cast(value > ops.take(threshold, asked), "int32")
        leaf = first * 2**self.depth + place - (2**self.depth - 1)
        answers = ops.take(ops.reshape(self.leaves, (-1, self.classes)), leaf, axis=0)
        return ops.log(ops.maximum(ops.mean(answers, axis=1), _LEAST))


def random_forest_head(config: RandomForestHeadConfig, classes: int) -> keras.Model:
    """Build the forest, which says nothing yet.

    Returns:
        A model from ``(N, D)`` features to ``(N, classes)`` float32 logits.
    """
    features = keras.Input((None,), name="features")
    logits = Forest(config.trees, config.depth, classes, name="forest")(features)
    return keras.Model(features, logits, name="random_forest_head")
