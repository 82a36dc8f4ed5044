from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.footage import needed
from tests.train import synthetic
from train import recipes
from train.datasets import Faces
from train.targets import training_examples, validation_examples

if TYPE_CHECKING:
    from pathlib import Path

    from train.examples import Examples


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> synthetic.Run:
    return synthetic.trained(tmp_path_factory.getbasetemp() / "synthetic")


@pytest.fixture(scope="session")
def split(trained: synthetic.Run) -> tuple[Examples, Examples]:
    """Return what the small recipe learns from, and what it is validated on."""
    data = recipes.load(trained.recipe).data
    return (
        training_examples(data, trained.fer2013, trained.ferplus, None),
        validation_examples(data, trained.fer2013, trained.ferplus),
    )


@pytest.fixture(scope="session")
def real_data() -> tuple[Path, Path]:
    """FER2013 and the FER+ votes, as people have them."""
    return needed("fer2013.tar.gz"), needed("fer2013new.csv")


@pytest.fixture(scope="session")
def mean_faces() -> Faces:
    """Return the test card's faces, real enough for a cascade to find."""
    with np.load(str(files("edge") / "testcard" / "faces.npz")) as stored:
        labels = tuple(stored["labels"].tolist())
        return Faces(stored["faces"], np.eye(len(labels), dtype=np.float32), labels)
