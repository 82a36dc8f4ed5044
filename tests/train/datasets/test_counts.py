from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.train.synthetic import PER_LABEL, Run, call, data_set
from train.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return data_set(tmp_path_factory.mktemp("counts") / "data")


@pytest.mark.parametrize(
    ("protocol", "label", "labels"),
    [("fer2013", "neutral", 2), ("ferplus-majority", "contempt", 1)],  # contempt became neutral in the original labels
)
def test_the_faces_of_each_label_are_counted(
    data: Run, protocol: str, label: str, labels: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "counts.png"
    assert call(main, ["data", *data.data, "--protocol", protocol, "--plot", str(plot)]) == 0
    rows = {cells[0]: cells[1:] for cells in map(str.split, capsys.readouterr().out.splitlines()) if cells}
    assert rows[label][::2] == [str(labels * count) for count in PER_LABEL.values()]
    assert rows[label][1] == f"({labels / 8:.1%})"
    assert rows["all"] == [str(8 * count) for count in PER_LABEL.values()]
    with Image.open(plot) as drawn:
        assert drawn.size[0] > drawn.size[1] > 200
