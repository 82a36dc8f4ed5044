"""The representative set: the training faces whose activations give the quantisation ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from train.datasets import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.datasets import Faces


def representative(training: Faces, count: int, seed: int = 1) -> NDArray[np.uint8]:
    """Draw faces that show every label about equally often.

    Labels with too few faces give all they have and the others fill up.

    Args:
        training: Faces of the training split; no others, for these figures enter the model.
        count: How many faces to draw; all, where there are fewer.
        seed: The draw's seed.

    Returns:
        ``(count, 48, 48)`` gray levels.

    Raises:
        DataError: There is no face, or none has a label.
    """
    if not len(training):
        message = "the representative set is empty: the data has no Training face with a label of this protocol"
        raise DataError(message)
    if not training.targets.any():
        message = f"the representative set is unlabelled: no Training face is {' or '.join(training.labels)}"
        raise DataError(message)
    random = np.random.default_rng(seed)
    order = random.permutation(len(training))
    truth = training.truth[order]
    # A face's turn is its place among its label's faces: all first ones, then all second ones, and so on.
    turn = np.empty(len(order), np.intp)
    for label in range(len(training.labels)):
        mine = truth == label
        turn[mine] = np.arange(mine.sum())
    chosen: NDArray[np.uint8] = training.pixels[order[np.argsort(turn, kind="stable")[:count]]]
    return chosen
