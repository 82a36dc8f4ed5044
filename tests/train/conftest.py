from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tests.train import synthetic
from train.datasets import Faces

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> synthetic.Run:
    return synthetic.trained(tmp_path_factory.getbasetemp() / "synthetic")


@pytest.fixture(scope="session")
def real_data() -> tuple[Path, Path]:
    """FER2013 and the FER+ votes, as people have them."""
    for folder in (REPOSITORY.parent / "shared" / "data", REPOSITORY / "data"):
        fer2013, ferplus = folder / "fer2013.tar.gz", folder / "fer2013new.csv"
        if fer2013.exists() and ferplus.exists():
            return fer2013, ferplus
    pytest.skip("FER2013 and FER+ are not in ../shared/data or data")


@pytest.fixture(scope="session")
def mean_faces() -> Faces:
    """Give the test card's faces, real enough for a cascade to find."""
    with np.load(str(files("edge") / "testcard" / "faces.npz")) as stored:
        labels = tuple(stored["labels"].tolist())
        return Faces(stored["faces"], np.eye(len(labels), dtype=np.float32), labels)
