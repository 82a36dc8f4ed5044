from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING

import pytest

from edge.errors import ConfigError, OutputError
from edge.watch.record import COLUMNS, Recorder, read
from tests.payloads import NOW, ago, event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.wire.messages import FaceEvent

EVENTS = [
    event(0, "neutral", type="appeared", at=ago(9), probabilities={"happy": 0.1, "neutral": 0.9}),
    event(1, "happy", at=ago(5), previous="neutral", lasted_s=4.0, device='a "quoted", [name]'),
    event(2, "happy", type="gone", at=NOW, lasted_s=9.0),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


def write(file: Path, events: Sequence[FaceEvent] = EVENTS) -> None:
    with Recorder(file) as recorder:
        for each in events:
            recorder.write(each)


def test_a_record_holds_the_events_whole(file: Path) -> None:
    write(file)
    assert list(read(file)) == EVENTS


def test_a_row_has_every_field_under_its_path_in_the_payload(file: Path) -> None:
    write(file)
    with file.open(newline="") as text:
        first, second, third = csv.DictReader(text)
    assert tuple(first) == COLUMNS
    assert (first["captured_at"], first["device"], first["face.id"]) == ("2026-11-22T03:14:06.000Z", "kitchen", "3")
    assert (first["previous"], second["previous"], third["previous"]) == ("", "neutral", "")
    assert first["probabilities"] == '{"happy": 0.1, "neutral": 0.9}'


def test_a_record_goes_on_below_one_header(file: Path) -> None:
    for each in EVENTS:
        write(file, [each])
    assert list(read(file)) == EVENTS
    assert file.read_text().count("captured_at") == 1


def test_a_row_can_be_read_as_soon_as_it_is_written(file: Path) -> None:
    with Recorder(file) as recorder:
        recorder.write(EVENTS[0])
        assert list(read(file)) == EVENTS[:1]


def test_a_row_that_a_power_cut_tore_is_taken_away(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(file)
    os.truncate(file, file.stat().st_size - 20)
    write(file, EVENTS[2:])
    assert list(read(file)) == EVENTS
    assert "its last row is incomplete" in caplog.text


def test_a_header_that_a_power_cut_tore_is_written_anew(file: Path) -> None:
    file.write_text("captured_at,dev")
    write(file)
    assert list(read(file)) == EVENTS


def test_a_line_end_in_a_name_ends_no_row(file: Path) -> None:
    write(file, [event(device="two\nlines")])
    assert file.read_bytes().count(b"\n") == 2
    assert [each.device for each in read(file)] == ["two lines"]


def test_another_file_is_left_as_it_is(file: Path) -> None:
    file.write_text("time,temperature\n1,2\n")
    with pytest.raises(OutputError, match=r"events\.csv: does not begin with a record's header; name another file"):
        Recorder(file)
    assert file.read_text() == "time,temperature\n1,2\n"


def test_two_recorders_do_not_share_a_file(file: Path) -> None:
    with Recorder(file), pytest.raises(OutputError, match="another watch records into it"):
        Recorder(file)
    write(file)


@pytest.mark.parametrize(
    ("name", "said"), [(".", "is no file"), ("absent/events.csv", "cannot be written: No such file")]
)
def test_a_place_that_takes_no_file_is_told(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(OutputError, match=said):
        Recorder(tmp_path / name)


def test_a_full_disk_leaves_whole_rows(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if offset + len(data) > 700:
            pwrite(descriptor, data[: 700 - offset], offset)
            raise OSError(28, "No space left on device")
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OutputError, match=r"events\.csv: cannot be written: No space left"):
        write(file, [event(sequence) for sequence in range(9)])
    there = [each.sequence for each in read(file)]
    assert there == list(range(len(there)))
    assert len(there) > 1
    assert file.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "damaged",
    [b"garbage,1", b'"', b"\0", b"\xff", b"a\rb", b"x" * 131_073, b"x" * 5_000_000, b",".join([b"[" * 100_000] * 19)],
    ids=["short", "quote", "zero", "no UTF-8", "line end", "long", "too long", "deep"],
)
def test_a_line_that_is_no_event_is_left_out_and_said(
    file: Path, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    write(file)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:2], damaged, b"\n", *lines[2:]]))
    assert list(read(file)) == EVENTS
    assert [record.message for record in caplog.records] == [f"{file}: line 3 is no event and is skipped"]


def test_the_longest_event_that_a_model_allows_can_be_read(file: Path) -> None:
    longest = event(probabilities={f"{number:04}".rjust(100, "\U0001f600"): 0.1234 for number in range(1000)})
    write(file, [longest])
    assert list(read(file)) == [longest]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "does not begin with a record's header"),
        (b"\xff\xfe", "does not begin with a record's header"),
        (None, "No such file"),
    ],
)
def test_what_is_no_record_is_told(file: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        list(read(file))


@pytest.mark.parametrize("kind", ["fifo", "endless", "one long line"])
def test_a_record_is_a_regular_file(file: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "endless":
        file.symlink_to("/dev/zero")
    else:
        file.touch()
        os.truncate(file, 10**12)
    with pytest.raises(ConfigError, match=r"not a regular file|does not begin with a record's header"):
        list(read(file))


def test_a_byte_order_mark_before_a_record_is_passed_over(file: Path) -> None:
    write(file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert list(read(file)) == EVENTS
