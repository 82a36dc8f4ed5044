"""Labelled faces, each set counted by its published protocol.

Training, evaluation and calibration see a data set as a `Faces` value. `load` returns it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from train.datasets import fer2013, ferplus
from train.datasets.faces import DataError, Faces

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LabelProtocol = Literal["ferplus", "ferplus-majority", "ferplus-top", "fer2013", "folder"]
"""How rows are chosen and labelled.

* ``ferplus``: FER+ vote distributions, for training.
* ``ferplus-majority``: rows whose winner has more than half of the votes.
* ``ferplus-top``: rows whose first largest vote is an emotion.
* ``fer2013``: the original label of every row.
* ``folder``: the pictures of a folder, each with its folder's label.
"""

Split = Literal["Training", "PublicTest", "PrivateTest"]
"""FER2013's own names: training, validation and test."""


def load(protocol: LabelProtocol, split: Split, fer2013_file: Path, ferplus_file: Path | None) -> Faces:
    """Load one split of one data set.

    Args:
        protocol: How rows are chosen and labelled.
        split: Which of FER2013's three parts.
        fer2013_file: ``fer2013.tar.gz`` or ``fer2013.csv``.
        ferplus_file: ``fer2013new.csv``; not read for the ``fer2013`` protocol.

    Raises:
        DataError: A file is missing or is not what its name says.
    """
    if protocol == "folder":
        message = "FER2013 and FER+ have no labels of protocol 'folder'; take ferplus-majority, ferplus-top or fer2013"
        raise DataError(message)
    rows = fer2013.read(fer2013_file)
    chosen = rows.usage == split
    if protocol == "fer2013":
        return fer2013.faces(rows).select(chosen)
    if ferplus_file is None:
        message = f"the labels of protocol {protocol} are made of the FER+ votes: name them with --ferplus FILE"
        raise DataError(message)
    votes = ferplus.read_votes_for(rows, ferplus_file)
    choose = {
        "ferplus": ferplus.distribution,
        "ferplus-majority": ferplus.majority,
        "ferplus-top": ferplus.top_vote,
    }[protocol]
    return choose(rows.pixels[chosen], votes[chosen])


def are_faces(protocol: LabelProtocol, split: Split, fer2013_file: Path, ferplus_file: Path) -> NDArray[np.bool_]:
    """Return a mask of the rows of a split that FER+'s annotators took for a face; the arguments are as of `load`."""
    if protocol != "fer2013":  # FER+'s own protocols leave the others out
        return np.ones(len(load(protocol, split, fer2013_file, ferplus_file)), bool)
    rows = fer2013.read(fer2013_file)
    return ~ferplus.no_face(ferplus.read_votes_for(rows, ferplus_file)[rows.usage == split])


__all__ = ["DataError", "Faces", "LabelProtocol", "Split", "are_faces", "load"]
