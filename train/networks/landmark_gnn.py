"""Graph convolutions along the anatomical edges of a face mesh.

Kipf and Welling, "Semi-Supervised Classification with Graph Convolutional Networks", ICLR 2017. A source describes five
layers, 157 edges and 537 thousand parameters. MediaPipe's lists of lips, eyes, eyebrows, irises, nose and outline have
157 edges together, at 160 of the 478 points; the others have no edge and are left out. The source's widths, its
readout and its normalisation are not known: five layers of 256, mean and maximum over the points, and a dense layer of
512 give 538 thousand here. Each point brings its place, and how far that is from the usual place of this point.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops
from pydantic import Field

from train.networks.landmarks import ANATOMICAL, EDGES, LandmarkSettings, centred, landmark_input, standardised


class LandmarkGnnConfig(LandmarkSettings):
    """Widths and depth of the network."""

    kind: Literal["landmark_gnn"] = "landmark_gnn"

    depth: int = Field(default=5, gt=0)
    """Graph convolutions."""

    width: int = Field(default=256, gt=0)
    """Values of each point after each of them."""

    dense: int = Field(default=512, gt=0)
    """Units of the dense layer after the readout."""

    noise: float = Field(default=0.1, ge=0)
    """Standard deviation of the noise on each coordinate in training, in its own over the training faces."""

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Dropout after the dense layer."""


def neighbours() -> Any:
    """Return the ``(160, 160)`` float32 matrix of the paper: edges and self-loops, normalised by both ends' degrees."""
    place = {point: row for row, point in enumerate(ANATOMICAL)}
    adjacency = np.eye(len(ANATOMICAL), dtype=np.float32)
    for a, b in EDGES:
        adjacency[place[a], place[b]] = adjacency[place[b], place[a]] = 1
    degree = adjacency.sum(axis=1)
    return adjacency / np.sqrt(degree[:, None] * degree)


@keras.saving.register_keras_serializable("emotion_edge")
class GraphConvolution(layers.Dense):  # type: ignore[misc]  # keras has no types
    """A dense layer of each point's weighted mean over itself and its neighbours."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:  # noqa: FBT001  # Keras's own signature
        """Return ``(N, 160, units)`` of ``(N, 160, C)``."""
        near = ops.cast(ops.convert_to_tensor(neighbours()), inputs.dtype)
        return super().call(ops.matmul(near, inputs), training)


def landmark_gnn(config: LandmarkGnnConfig, classes: int) -> keras.Model:
    """Build the network.

    Returns:
        A model from ``(N, 478, 3, 1)`` landmarks to ``(N, classes)`` float32 logits.
    """
    mesh = landmark_input()
    places = centred(mesh, ANATOMICAL)
    x = layers.Concatenate(dtype="float32", name="places_and_differences")([places, standardised(places, config.noise)])
    for number in range(1, config.depth + 1):
        # The coordinates need more digits than half precision has; what is made of them does not.
        x = GraphConvolution(config.width, dtype="float32" if number == 1 else None, name=f"graph{number}")(x)
        x = layers.BatchNormalization(name=f"norm{number}")(x)
        x = layers.Activation("relu", name=f"relu{number}")(x)
    mean, largest = (
        layers.GlobalAveragePooling1D(name="point_mean")(x),
        layers.GlobalMaxPooling1D(name="point_maximum")(x),
    )
    x = layers.Dense(config.dense, name="dense")(layers.Concatenate(name="readout")([mean, largest]))
    x = layers.BatchNormalization(name="dense_norm")(x)
    x = layers.Activation("relu", name="dense_relu")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(mesh, logits, name="landmark_gnn")
