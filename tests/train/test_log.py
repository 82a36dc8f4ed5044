"""The log of a run: one whole row for each finished epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from train.datasets import DataError
from train.log import LOG, drop_unfinished, read_log

if TYPE_CHECKING:
    from pathlib import Path

HEADER, ROW = "epoch,loss,val_loss,wall_s\r\n", "{},0.5,0.25,9.0\r\n"


@pytest.mark.parametrize(
    ("rows", "finished", "kept"),
    [
        (HEADER + ROW.format(0) + ROW.format(1) + "2,0.", 2, HEADER + ROW.format(0) + ROW.format(1)),
        (HEADER + ROW.format(0) + ROW.format(1), 1, HEADER + ROW.format(0)),
        (HEADER + ROW.format(0) + ROW.format(1)[:-1], 2, HEADER + ROW.format(0)),
        (HEADER + ROW.format(0), 0, HEADER),
        (HEADER[:9], 0, ""),
    ],
)
def test_what_a_checkpoint_does_not_have_goes_out_of_the_log(
    tmp_path: Path, rows: str, finished: int, kept: str
) -> None:
    log = tmp_path / LOG
    log.write_bytes(rows.encode())
    drop_unfinished(log, finished)
    assert log.read_bytes() == kept.encode()


@pytest.mark.parametrize("row", ["1,0.5\r\n", "1,0.52,0.5,0.25,9.0\r\n", "1,0.5,0.2.5,9.0\r\n", "1,0.5,\0\0,9.0\r\n"])
def test_a_damaged_row_of_a_log_is_one_sentence(tmp_path: Path, row: str) -> None:
    (tmp_path / LOG).write_text(HEADER + ROW.format(0) + row, newline="")
    with pytest.raises(DataError, match=r"log\.csv: line 3 is damaged: .*--fresh"):
        read_log(tmp_path)


def test_a_log_that_an_older_version_began_has_no_name_for_the_time(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("epoch,loss,val_loss\n0,0.5,0.25\n1,0.4,0.2,9.0\n")
    assert read_log(tmp_path) == {"epoch": [0, 1], "loss": [0.5, 0.4], "val_loss": [0.25, 0.2]}
