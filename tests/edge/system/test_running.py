from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edge.system.running import FILE, DaemonFile, RunningDaemon, find_daemon
from tests.locks import lock_open_file_description
from tests.mounts import can_mount

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from edge.system.running import DaemonFile

file = DaemonFile(Path(sys.argv[1]))
file.write(sha256="a" * 64, configured=None)
file.write(sha256="b")
print("held", flush=True)
sys.stdin.read()
"""

LOOK = """
import sys
from pathlib import Path
from edge.system.running import find_daemon

print(find_daemon(Path(sys.argv[1])))
"""


def test_a_daemon_is_known_for_as_long_as_it_lives(tmp_path: Path) -> None:
    assert find_daemon(tmp_path) is None
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        found = find_daemon(tmp_path)
        assert found is not None
        assert (found.pid, found.facts) == (process.pid, {"sha256": "b"})
        process.kill()
        process.wait()
        assert find_daemon(tmp_path) is None
    assert (tmp_path / FILE).exists()


def test_a_second_daemon_is_told_that_the_folder_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        second = DaemonFile(tmp_path)
        second.write(sha256="c")
        second.close()
        found = find_daemon(tmp_path)
        assert found is not None
        assert found.facts == {"sha256": "b"}
        process.kill()
    assert "another daemon runs with this folder" in caplog.text


def test_a_holder_that_the_kernel_cannot_name_has_no_process(tmp_path: Path) -> None:
    """The kernel gives -1 for a lock of an open file description; as a process that would be every one."""
    (tmp_path / FILE).write_text('{"sha256": "b"}')
    with (tmp_path / FILE).open("r+b") as file:
        lock_open_file_description(file)
        assert find_daemon(tmp_path) == RunningDaemon(None, {"sha256": "b"})


def test_a_daemon_in_another_container_has_no_process(tmp_path: Path) -> None:
    """The kernel gives 0 for a process that cannot be seen from here; as a process that would be one's own group."""
    if not can_mount():
        pytest.skip("a process namespace needs root, and the right to make one")
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        look = ["unshare", "--pid", "--fork", sys.executable, "-c", LOOK, str(tmp_path)]
        seen = subprocess.run(look, capture_output=True, text=True, check=True).stdout
        process.kill()
    assert seen == "RunningDaemon(pid=None, facts={'sha256': 'b'})\n"


def test_a_pipe_that_is_locked_is_no_daemon(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    with os.fdopen(os.open(tmp_path / FILE, os.O_RDWR | os.O_NONBLOCK), "r+b", buffering=0) as pipe:
        lock_open_file_description(pipe)
        assert find_daemon(tmp_path) is None


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "text"])
def test_anything_in_its_place_is_no_daemon_and_stops_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    path = tmp_path / FILE
    match kind:
        case "link":
            path.symlink_to("/etc/passwd")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.write_text("[" * 10_000)
    assert find_daemon(tmp_path) is None
    file = DaemonFile(tmp_path)
    file.write(sha256="a")
    file.close()
    assert ("cannot be written" in caplog.text) == (kind != "text")
