"""Whatever the locale and wherever standard output goes, no command ends with a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib

import pytest

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


def _python(code: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=os.environ | _SETTINGS | environ, capture_output=True, check=False
    )


def _emotion_edge(*arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return _python("from edge.cli.main import main; main()", *arguments, **environ)


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_every_command_speaks_in_every_locale(locale: dict[str, str]) -> None:
    ran = _python(_ALL.format(commands=_COMMANDS), **locale)
    assert (ran.returncode, b"Traceback" in ran.stderr, b"defect" in ran.stderr) == (0, False, False), ran.stderr
    if "PYTHONIOENCODING" in locale:
        assert b"rtsp://..." in ran.stdout


def test_json_and_toml_are_utf_8_in_every_locale() -> None:
    latin = {"PYTHONIOENCODING": "latin-1", "EMOTION_EDGE_MQTT__DEVICE": "Küche"}
    shown = _emotion_edge("config", "show", **latin).stdout
    assert tomllib.loads(shown.decode())["mqtt"]["device"] == "Küche"
    doctor = _emotion_edge("doctor", "--json", **latin | {"EMOTION_EDGE_CAMERA__SOURCE": "Küche.mkv"}).stdout
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


@pytest.mark.parametrize("rest", ["doctor >&-", "doctor | true", "config example >&-"])
def test_a_closed_standard_output_is_no_defect(rest: str) -> None:
    line = f"{sys.executable} -c 'from edge.cli.main import main; main()' {rest}"
    ran = subprocess.run(["sh", "-c", line], env=os.environ | _SETTINGS, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
