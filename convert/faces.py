"""The labelled faces that a conversion works with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from convert.quantize.representative import representative
from train import datasets
from train.datasets.negatives import clutter
from train.evaluate.balance import training_priors
from train.evaluate.protocols import load_tests

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from train.datasets import Faces, LabelProtocol, Split

    Key = tuple[Split, LabelProtocol]

SEED = 1
"""Of every draw; the same model and faces give the same bundle."""

_HELD_OUT_SEED = 2
"""Of the clutter that decides: neither training nor the representative set has it."""

_HELD_OUT = 128
"""So many pictures take seconds to make; of the shipped networks they give the same area as twice as many."""


@dataclass(frozen=True)
class LabelledFaces:
    """Where the labelled faces are, and how many of them show the activations' ranges."""

    fer2013: Path
    ferplus: Path
    calibration_faces: int

    def tests(self, protocol: LabelProtocol) -> dict[Key, Faces]:
        """Return the faces that a model of a protocol is evaluated on, by split and protocol."""
        tests = load_tests(self.fer2013, self.ferplus)
        tests["PublicTest", protocol] = self.validation(protocol)
        return tests

    def validation(self, protocol: LabelProtocol) -> Faces:
        """Return the faces that decide."""
        return datasets.load(protocol, "PublicTest", self.fer2013, self.ferplus)

    def are_faces(self, protocol: LabelProtocol) -> NDArray[np.bool_]:
        """Return which of the validation faces are faces at all."""
        return datasets.are_faces(protocol, "PublicTest", self.fer2013, self.ferplus)

    def priors(self, protocol: LabelProtocol) -> dict[str, float]:
        """Return the share of each label in the training faces of a protocol."""
        return training_priors(protocol, self.fer2013, self.ferplus)

    def representative(self, protocol: LabelProtocol, *, with_clutter: bool) -> NDArray[np.uint8]:
        """Return the representative set; every eighth is no face, for a model that tells them apart."""
        others = self.calibration_faces // 8 if with_clutter else 0
        faces = datasets.load(protocol, "Training", self.fer2013, self.ferplus)
        chosen = representative(faces, self.calibration_faces - others, SEED)
        if not others:
            return chosen
        evenly = np.linspace(0, len(chosen), others, endpoint=False, dtype=np.intp)
        return np.insert(chosen, evenly, clutter(others, None, SEED), axis=0)


@cache
def held_out_clutter() -> NDArray[np.uint8]:
    """Return ``(M, 48, 48)`` pictures without a face, from textures and photographs, for the gates."""
    return clutter(_HELD_OUT, None, _HELD_OUT_SEED)
