from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.daemon.detection import DetectionSwitch

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_on_until_somebody_turns_it_off_and_remembers_that(tmp_path: Path) -> None:
    file = tmp_path / "not" / "there" / "kitchen"
    switch = DetectionSwitch(file)
    assert switch.on
    assert str(switch) == "ON"
    assert switch.turn(on=False)
    again = DetectionSwitch(file)
    assert (again.on, str(again)) == (False, "OFF")
    assert again.turn(on=True)
    assert DetectionSwitch(file).on


def test_only_a_change_is_written(tmp_path: Path) -> None:
    file = tmp_path / "kitchen"
    switch = DetectionSwitch(file)
    assert not switch.turn(on=True)
    assert not file.exists()
    switch.turn(on=False)
    written = file.stat().st_mtime_ns, file.stat().st_ino
    assert not switch.turn(on=False)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == written


@pytest.mark.parametrize("content", [b"", b"off", b"OFFOFF", b"\xff\xfe", b"O" * 100_000])
def test_a_damaged_file_means_on_is_told_and_is_mended_by_the_next_choice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file = tmp_path / "kitchen"
    file.write_bytes(content)
    switch = DetectionSwitch(file)
    assert switch.on
    assert [str(file) in record.getMessage() for record in caplog.records] == [True]
    switch.turn(on=False)
    assert not DetectionSwitch(file).on


def test_what_cannot_be_read_or_written_is_told_and_holds_for_this_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file" / "kitchen"
    (tmp_path / "file").write_text("no folder")
    switch = DetectionSwitch(file)
    assert switch.on
    assert switch.turn(on=False)
    assert not switch.on
    assert [record.levelname for record in caplog.records if record.levelname != "INFO"] == ["WARNING", "WARNING"]
    assert "as it was before" in caplog.text
