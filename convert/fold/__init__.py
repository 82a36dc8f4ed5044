"""Fold into the network's weights what would have to happen around it, and batch normalisation within it.

Pixels go in, logits come out. In front, the pixels' scaling, mean and deviation, and the step from gray to colour;
behind, the softmax and the order of the labels. What other weights can express costs nothing when the network runs, and
the Pi cannot get it wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convert.fold.first_convolution import PADDED
from convert.fold.names import shorten_names
from convert.fold.normalisation import fold_normalisation
from convert.fold.outputs import flatten, reorder, to_logits
from convert.fold.pixels import take_gray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convert.graph import Graph
    from convert.scaling import Scaling


def fold(network: Graph, scaling: Scaling, order: Sequence[int], *, probabilities: bool) -> Graph:
    """Return a network of gray levels and logits, made of one of normalised pixels; that one stays as it is.

    Args:
        network: Float: ``[1, H, W, C]`` normalised pixels to ``[1, K]``.
        scaling: How gray levels become what the network was trained on.
        order: For each label of the bundle, the number of the network's output that tells it.
        probabilities: Whether the network gives probabilities rather than logits.

    Returns:
        Float: ``[1, H, W, 1]`` gray levels 0 to 255 to ``[1, K]`` logits.
    """
    graph = network.copy()
    take_gray(graph, scaling)
    fold_normalisation(graph)
    to_logits(graph, probabilities=probabilities)
    flatten(graph, len(order))
    reorder(graph, order)
    shorten_names(graph)
    return graph


__all__ = ["PADDED", "fold"]
