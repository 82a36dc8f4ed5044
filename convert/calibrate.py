"""The representative set: the training faces whose activations give the quantisation ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.datasets import Faces


def representative(training: Faces, count: int, seed: int = 1) -> NDArray[np.uint8]:
    """Draw faces that show every label about equally often.

    Labels with too few faces give all they have and the others fill up. The first
    face's darkest and brightest pixel are set to 0 and 255, so that the range of the
    input is exactly that of its type and its quantisation scale 1.

    Args:
        training: Faces of the training split; no others, for these figures enter the model.
        count: How many faces to draw; all, where there are fewer.
        seed: The draw's seed.

    Returns:
        ``(count, 48, 48)`` gray levels.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(training))
    truth = training.truth[order]
    # A face's turn is its place among its label's faces: all first ones, then all second ones, and so on.
    turn = np.empty(len(order), np.intp)
    for label in range(len(training.labels)):
        mine = truth == label
        turn[mine] = np.arange(mine.sum())
    chosen = order[np.argsort(turn, kind="stable")[:count]]
    faces = np.array(training.pixels[chosen])
    first = faces[0].reshape(-1)
    first[first.argmin()] = 0
    first[first.argmax()] = 255
    return faces
