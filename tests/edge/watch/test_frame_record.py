"""``watch --frames --record``: a row for each face of each frame, and no gap that is not counted."""

from __future__ import annotations

import csv
import json
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.errors import OutputError
from edge.watch.fleet import Fleet, Message
from edge.watch.frame_record import COLUMNS, FrameRecorder
from edge.watch.record import Recorder
from edge.wire.frame_message import FrameFace, FrameMessage
from tests.broker import Mosquitto, wait_until
from tests.payloads import FRAME, NOW, box

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Outcome

COMMAND = Path(sys.executable).parent / "emotion-edge"


def frame(sequence: int, *faces: int, skipped: int = 0, session: str = "a", device: str = "kitchen") -> FrameMessage:
    there = tuple(
        FrameFace(id=face, box=box(), emotion="happy", confidence=0.9, probabilities={"happy": 0.9, "sad": 0.1})
        for face in faces
    )
    return FrameMessage(
        device=device, session=session, sequence=sequence, skipped=skipped, captured_at=NOW, frame=FRAME, faces=there
    )


def message(payload: str, last: str = "frame") -> Message:
    return Message(f"emotion-edge/kitchen/{last}", payload.encode(), NOW)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


def test_a_flood_of_device_names_is_bounded_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.watch.frame_record.MOST_DEVICES", 2)
    file = tmp_path / "frames.csv"
    with FrameRecorder(file) as recorder:
        for sequence in range(2):
            for device in ("kitchen", "hall", "made up 1", "made up 2"):
                recorder.receive(message(frame(sequence, device=device).to_json()))
    assert [row["device"] for row in rows(file)] == ["kitchen", "hall", "kitchen", "hall"]
    assert recorder.summary.endswith("4 of further devices ignored")


def test_each_face_has_a_row_and_an_empty_frame_has_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    file = tmp_path / "frames.csv"
    with FrameRecorder(file) as recorder:
        for one in (frame(0), frame(1, 1, 2), frame(1, 1, 2), frame(4, 2, skipped=5)):
            recorder.receive(message(one.to_json()))
        recorder.receive(message("nonsense"))
        recorder.receive(message(frame(9).to_json(), "event"))
    found = rows(file)
    assert tuple(found[0]) == COLUMNS
    assert [(row["sequence"], row["faces"], row["face.id"], row["lost"], row["skipped"]) for row in found] == [
        ("0", "0", "", "0", "0"),
        ("1", "2", "1", "0", "0"),
        ("1", "2", "2", "0", "0"),
        ("4", "1", "2", "2", "5"),
    ]
    assert found[0]["captured_at"] == "2026-11-22T03:14:15.000000Z"
    assert json.loads(found[3]["probabilities"]) == {"happy": 0.9, "sad": 0.1}
    assert found[3]["face.box.width"] == "100"
    assert found[3]["face.frame.height"] == "480"
    expected = "3 frames recorded, 2 lost on the way, 5 skipped by the device, 1 messages were no frames"
    assert expected in caplog.text


@pytest.mark.parametrize("huge", [{"sequence": 2**53}, {"skipped": 10**400}, {"frame": {"width": 2**53, "height": 1}}])
def test_a_frame_with_an_integer_that_nothing_counts_to_is_none(tmp_path: Path, huge: dict[str, object]) -> None:
    file = tmp_path / "frames.csv"
    with FrameRecorder(file) as recorder:
        recorder.receive(message(json.dumps(json.loads(frame(0, 3).to_json()) | huge)))
        recorder.receive(message(frame(0, 3).to_json()))
    assert len(rows(file)) == 1
    expected = "1 frames recorded, 0 lost on the way, 0 skipped by the device, 1 messages were no frames"
    assert recorder.summary == expected


def test_a_record_of_events_is_none_of_frames(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    Recorder(file).close()
    with pytest.raises(OutputError, match="does not begin with a record's header"):
        FrameRecorder(file)


def test_frames_are_no_events_and_not_invalid() -> None:
    fleet = Fleet("emotion-edge")
    assert fleet.receive(message(frame(0, 1).to_json())) is None
    assert (fleet.invalid, fleet.devices) == (0, {})


def test_frames_alone_are_refused(emotion_edge: Callable[..., Outcome]) -> None:
    outcome = emotion_edge("watch", "--frames")
    assert outcome.code == 2
    assert "--frames goes with --record FILE.csv" in outcome.err


def test_the_frames_of_a_device_are_recorded_without_a_gap(tmp_path: Path, mosquitto: Mosquitto) -> None:
    config, file = tmp_path / "config.toml", tmp_path / "frames.csv"
    config.write_text("[mqtt]\ndevice = 'lab'\n[frames]\nenabled = true\nrate_hz = 7.5\n[camera]\nfps = 15\n")
    watch = subprocess.Popen(
        [COMMAND, "watch", "--broker", mosquitto.url, "--frames", "--record", file],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(file.exists)
    with subprocess.Popen(
        [COMMAND, "run", "--config", config, "--camera", "testcard", "--broker", mosquitto.url],
        stderr=subprocess.DEVNULL,
    ) as daemon:
        wait_until(lambda: file.exists() and len(rows(file)) >= 20)
        daemon.send_signal(signal.SIGINT)
    watch.send_signal(signal.SIGINT)
    _, err = watch.communicate(timeout=30)
    assert watch.returncode == 0, err
    assert " frames recorded, 0 lost on the way, " in err
    found = rows(file)
    sequences = [int(row["sequence"]) for row in found]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    assert {row["lost"] for row in found} == {"0"}
    assert sum(int(row["skipped"]) for row in found[1:]) > 0.3 * len(found)  # every other frame, about
    assert all(row["synthetic"] == "true" for row in found)
    assert any(row["face.id"] == "1" for row in found)
