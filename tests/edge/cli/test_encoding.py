"""Whatever the locale and wherever standard output goes, no command ends with a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_COMMANDS = (
    ("--help",),
    ("run", "--help"),
    ("forget", "--broker", "none"),
    ("watch", "--help"),
    ("doctor",),
    ("model", "list"),
    ("read", "gone-…-ü.jpg"),
    ("config", "example"),
    ("config", "show"),
    ("config", "check"),
    ("run", "--camera", "gone-…-ü.mkv", "--broker", "none"),
    ("watch", "--broker", "http://…"),
)

_SETTINGS = {"EMOTION_EDGE_CAMERA__SOURCE": "testcard", "EMOTION_EDGE_MQTT__URL": "mqtt://127.0.0.1:1"}

_ALL = """
import os, sys
import edge.doctor.broker, edge.inference.bundle, edge.watch, edge.daemon.run
from edge.cli.main import main
for command in {commands!a}:
    sys.argv = ["emotion-edge", *command]
    if not os.fork():
        main()
    code = os.waitstatus_to_exitcode(os.wait()[1])
    assert code in (0, 1, 2, 3), (command, code)
"""
"""All commands of one locale, forked from one process: to import the packages takes a second."""


def _python(
    code: str, *arguments: str, environ: Mapping[str, str] = {}, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, **_SETTINGS, **environ}
    return subprocess.run(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, check=False)


def _emotion_edge(
    *arguments: str, environ: Mapping[str, str] = {}, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    return _python("from edge.cli.main import main; main()", *arguments, environ=environ, stdout=stdout)


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_every_command_speaks_in_every_locale(locale: dict[str, str]) -> None:
    ran = _python(_ALL.format(commands=_COMMANDS), environ=locale)
    assert (ran.returncode, b"Traceback" in ran.stderr, b"defect" in ran.stderr) == (0, False, False), ran.stderr
    if "PYTHONIOENCODING" in locale:
        assert b"rtsp://..." in ran.stdout


def test_json_and_toml_are_utf_8_in_every_locale() -> None:
    latin = {"PYTHONIOENCODING": "latin-1", "EMOTION_EDGE_MQTT__DEVICE": "Küche"}
    shown = _emotion_edge("config", "show", environ=latin).stdout
    assert tomllib.loads(shown.decode())["mqtt"]["device"] == "Küche"
    doctor = _emotion_edge("doctor", "--json", environ=latin | {"EMOTION_EDGE_CAMERA__SOURCE": "Küche.mkv"}).stdout
    assert "Küche.mkv" in json.dumps(json.loads(doctor), ensure_ascii=False)


def test_a_full_disk_is_told_as_what_it_is() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ran = subprocess.run(
            [sys.executable, "-c", "from edge.cli.main import main; main()", "config", "example"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (
        2,
        "emotion-edge: standard output: cannot be written: No space left on device\n",
    )


@pytest.fixture
def left() -> Iterator[int]:
    """The writing end of a pipe whose reader has left, as ``head`` does."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("command", ["--help", "config example", "bench --seconds 0.1"])
def test_a_reader_that_leaves_is_no_defect(left: int, command: str) -> None:
    ran = _emotion_edge(*command.split(), stdout=left)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_photos_are_read_to_the_end_though_nobody_reads_the_table(left: int, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(cv2.imencode(".jpg", np.full((50, 60), 90, np.uint8))[1].tobytes())
    ran = _emotion_edge("read", str(tmp_path), "--json", str(tmp_path / "found.json"), stdout=left)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert len(json.loads((tmp_path / "found.json").read_text())["photos"]) == 2


@pytest.mark.parametrize("rest", ["doctor >&-", "doctor | true", "config example >&-"])
def test_a_closed_standard_output_is_no_defect(rest: str) -> None:
    line = f"{sys.executable} -c 'from edge.cli.main import main; main()' {rest}"
    ran = subprocess.run(["sh", "-c", line], env=os.environ | _SETTINGS, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
