from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.daemon.session import PreviousSession, SessionFiles
from edge.system.directories import runtime_directory, state_directory

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDERS = ("state", "runtime")

FIRST, SECOND, THIRD = (f"01JD{number:022d}" for number in range(3))
"""Sessions."""


@pytest.fixture
def life(tmp_path: Path) -> Callable[[str], SessionFiles]:
    def begin(session: str) -> SessionFiles:
        it = SessionFiles(session, tmp_path / "state" / "sub", tmp_path / "runtime")
        it.begin()
        return it

    return begin


def test_a_short_record_leaves_nothing_of_a_longer_one(life: Callable[[str], SessionFiles]) -> None:
    life(FIRST).note(123456)
    life(SECOND).note(1)
    assert life(THIRD).previous == PreviousSession(SECOND, 1)


def test_the_first_life_has_none_before(life: Callable[[str], SessionFiles]) -> None:
    assert life(FIRST).previous is None


def test_a_clean_stop_is_known_even_after_a_power_cut(life: Callable[[str], SessionFiles], tmp_path: Path) -> None:
    first = life(FIRST)
    for sequence in range(120):
        first.note(sequence)
    first.end()
    (tmp_path / "runtime" / "session.json").unlink()
    assert life(SECOND).previous == PreviousSession(FIRST, 119)


def test_a_killed_process_leaves_its_exact_count(life: Callable[[str], SessionFiles], tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib; from edge.daemon.session import SessionFiles\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "life = SessionFiles(sys.argv[2], here / 'state' / 'sub', here / 'runtime')\n"
        "life.begin()\n"
        "for sequence in range(12346): life.note(sequence)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = subprocess.run([sys.executable, "-c", code, tmp_path, FIRST], check=False)
    assert process.returncode == -signal.SIGKILL
    assert life(SECOND).previous == PreviousSession(FIRST, 12345)


def test_after_a_power_cut_only_the_session_is_known(life: Callable[[str], SessionFiles], tmp_path: Path) -> None:
    life(FIRST).end()
    cut = life(SECOND)
    cut.note(7)
    (tmp_path / "runtime" / "session.json").unlink()
    assert life(THIRD).previous == PreviousSession(SECOND, None)


def test_events_write_nothing_to_the_disk(life: Callable[[str], SessionFiles], tmp_path: Path) -> None:
    running = life(FIRST)
    before = (tmp_path / "state" / "sub" / "session.json").stat()
    for sequence in range(1000):
        running.note(sequence)
    after = (tmp_path / "state" / "sub" / "session.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    running.end()


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "\0" * 99),
        '{"session": 1, "last_sequence": 2}',
        f'{{"session": "{FIRST}", "last_sequence": true}}',
        *(f'{{"session": "{text}", "last_sequence": 2}}' for text in ("", "s", r"\ud800", FIRST.lower(), FIRST + "0")),
    ],
)
def test_a_damaged_record_is_no_record(life: Callable[[str], SessionFiles], tmp_path: Path, content: str) -> None:
    for folder in ("state/sub", "runtime"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "session.json").write_text(content)
    again = life(SECOND)
    assert again.previous is None
    again.end()
    assert json.loads((tmp_path / "state/sub/session.json").read_text()) == {"session": SECOND, "last_sequence": None}


def test_places_that_cannot_be_are_told_and_end_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for folder in FOLDERS:
        (tmp_path / folder).touch()
    life = SessionFiles(SECOND, *(tmp_path / folder / "sub" for folder in FOLDERS))
    life.begin()
    life.note(0)
    life.end()
    assert len([record for record in caplog.records if "cannot be written" in record.getMessage()]) == 3


def test_a_link_in_a_folder_for_everybody_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "session.json").symlink_to(precious)
    life = SessionFiles(SECOND, tmp_path / "state", tmp_path)
    life.begin()
    life.note(0)
    life.end()
    assert precious.read_text() == "precious"
    assert not caplog.records


@pytest.mark.parametrize("kind", ["fifo", "zero", "huge"])
def test_what_is_no_record_is_not_read_for_ever(tmp_path: Path, kind: str) -> None:
    for folder in FOLDERS:
        file = tmp_path / folder / "session.json"
        file.parent.mkdir()
        if kind == "fifo":
            os.mkfifo(file)
        elif kind == "zero":
            file.symlink_to("/dev/zero")
        else:
            file.touch()
            os.truncate(file, 20 << 30)
    again = SessionFiles(SECOND, *(tmp_path / folder for folder in FOLDERS))
    again.begin()
    again.note(3)
    assert again.previous is None
    assert SessionFiles(THIRD, *(tmp_path / folder for folder in FOLDERS)).previous == PreviousSession(SECOND, 3)
    again.end()


def test_a_folder_that_others_may_write_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "session.json").write_text(json.dumps({"session": FIRST, "last_sequence": 9}))
    runtime.chmod(0o777)
    record = SessionFiles(SECOND, tmp_path / "state", runtime)
    assert record.previous is None
    record.begin()
    assert "another user could change this folder" in caplog.text
    record.end()


def test_systemd_says_where() -> None:
    environ = {"STATE_DIRECTORY": "/var/lib/emotion-edge", "RUNTIME_DIRECTORY": "/run/emotion-edge:/run/other"}
    assert state_directory("emotion-edge/kitchen", environ) == Path("/var/lib/emotion-edge")
    assert runtime_directory("emotion-edge/kitchen", environ) == Path("/run/emotion-edge")


@pytest.mark.parametrize(
    ("place", "variable"), [(state_directory, "XDG_STATE_HOME"), (runtime_directory, "XDG_RUNTIME_DIR")]
)
def test_devices_of_one_user_do_not_meet(
    place: Callable[[str, dict[str, str]], Path], variable: str, tmp_path: Path
) -> None:
    roots = ["emotion-edge/a b", "emotion-edge/a-b", "other/a b", "emotion-edge/../..", "emotion-edge/ä" + "b" * 63]
    places = [place(root, {variable: str(tmp_path)}) for root in roots]
    assert len(set(places)) == len(roots)
    for path in places:
        assert path.parent.parent == tmp_path
        assert ".." not in path.parts
        assert len(os.fsencode(path.name)) < 60


def test_without_the_variables_there_is_a_place_too() -> None:
    assert state_directory("r/d", {"XDG_STATE_HOME": "relative"}).parts[-4:-1] == (".local", "state", "emotion-edge")
    assert os.access(runtime_directory("r/d", {}).parent.parent, os.W_OK)
