"""A network folded, and compared with itself before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convert import float_runtime
from convert.fold import fold
from convert.scaling import Scaling
from edge.inference.outputs import softmax
from tests.convert.small import LABELS, ORDER, SIZE, as_graph, pictures, spread

if TYPE_CHECKING:
    import keras

    from convert.graph import Graph

UNIT = Scaling(range=(0, 1), mean=(0,), std=(1,))


def judged(model: keras.Model, scaling: Scaling, *, probabilities: bool = False) -> Graph:
    """Spread a network's answers and see that, folded, it still says the same; return what it became."""
    return compared(spread(model, scaling.apply(pictures())), scaling, probabilities=probabilities)


def compared(model: keras.Model, scaling: Scaling, *, probabilities: bool = False) -> Graph:
    """Fold a network as it is and see that it still says the same of every picture."""
    pixels = pictures()
    given = np.asarray(model(scaling.apply(pixels))).reshape(len(pixels), -1)
    wanted = (given if probabilities else softmax(given))[:, ORDER]
    assert wanted.std(axis=0).min() > 0.001
    graph = fold(as_graph(model), scaling, ORDER, probabilities=probabilities)
    assert np.abs(softmax(float_runtime.logits(graph, pixels)) - wanted).max() < 1e-5
    ends = [*graph.inputs, *graph.outputs]
    assert [tensor.shape for tensor in ends] == [(1, SIZE, SIZE, 1), (1, len(LABELS))]
    assert [tensor.name for tensor in ends] == ["pixels", "logits"]
    return graph
