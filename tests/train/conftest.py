from __future__ import annotations

from pathlib import Path

import pytest

from tests.train import synthetic

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
