from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from edge.config import parse_broker
from edge.daemon.printer import Output
from edge.daemon.readable import readable, what_next
from edge.wire.messages import Box, Face, FaceEvent, FrameSize

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def event(**what: Any) -> FaceEvent:
    face = Face(id=12345, box=Box(x=0, y=0, width=10, height=10), frame=FrameSize(width=64, height=48))
    common = {"device": "kitchen", "session": "s", "sequence": 3, "captured_at": "2026-11-22T09:49:35Z", "face": face}
    return FaceEvent.model_validate(common | what)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"type": "appeared", "emotion": "neutral", "confidence": 0.52}, "appeared, neutral"),
        (
            {"type": "changed", "emotion": "happy", "previous": "sad", "lasted_s": 4, "confidence": 1},
            "sad → happy, after 4.0 s",
        ),
        (
            {"type": "gone", "emotion": "uncertain", "lasted_s": 86400, "confidence": 0},
            "gone, was uncertain, after 24 h",
        ),
        (
            {"type": "changed", "emotion": "e" * 64, "previous": "p\n" * 32, "lasted_s": 7000, "confidence": 0.999},
            "p?p?p?p?p?p… → eeeeeeeeeee…, after 117 min",
        ),
    ],
)
def test_an_event_is_one_line_that_fits(what: dict[str, Any], said: str) -> None:
    line = readable(event(**what))
    assert len(line) <= 80
    assert "\n" not in line
    assert said in line
    assert line.count("▇") == round(what["confidence"] * 10)
    assert line.endswith(f"{what['confidence'] * 100:3.0f} %")


def test_what_comes_next_names_the_broker_that_is_used() -> None:
    told = what_next(".venv/bin/emotion-edge", parse_broker("mqtt://127.0.0.1:1884"))
    assert "watch it:  .venv/bin/emotion-edge watch --broker mqtt://127.0.0.1:1884\n" in told
    assert max(map(len, told.splitlines())) <= 80
    assert "watch" not in what_next("emotion-edge", parse_broker("none"))
    assert "me" not in what_next("x", parse_broker("mqtt://me@host"))


def test_a_pipe_and_a_file_get_json_in_utf_8(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w", encoding="latin-1") as file:
        assert Output.of(file) == Output(file.fileno(), terminal=False, encoding="utf-8")


def test_a_terminal_is_told_what_to_do_next_and_gets_short_lines(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    code = "from edge.cli.main import main; main()"
    command = [sys.executable, "-c", code, "run", "--camera", "testcard", "--broker", "embedded", "--print"]
    # Not UTF-8: the arrow and the bar have stand-ins.
    environ = os.environ | {"PYTHONIOENCODING": "ascii", "STATE_DIRECTORY": str(tmp_path)}
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environ) as process:
        os.close(theirs)
        said, until_s = b"", time.monotonic() + 120
        while b" %" not in said and time.monotonic() < until_s:
            said += os.read(ours, 4096)
        process.terminate()
    os.close(ours)
    lines = said.decode("ascii").splitlines()
    assert lines[0].startswith("watch it:  emotion-edge watch --broker mqtt://127.0.0.1:")
    assert lines[1:3] == ["stop it:   Ctrl+C", ""]
    assert "face 1" in lines[3]
    assert "appeared, " in lines[3]
    assert "#" in lines[3]
