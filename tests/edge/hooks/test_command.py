"""Programs that hooks run: what they get, how they fail, and that none of their process groups is left."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.hooks.command import environment, run_command
from edge.hooks.failure import HookFailureError
from tests.broker import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[3]
UNIT = REPOSITORY / "systemd/emotion-edge.service"
EVENT = b'{"type":"changed"}'
LONG_S = 30.0


@contextmanager
def canceller() -> Iterator[int]:
    descriptor = os.eventfd(0)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def run(*command: str, limit_s: float = LONG_S, event: bytes = EVENT) -> None:
    with canceller() as cancel:
        run_command(command, event, limit_s, cancel)


def failure(*command: str, limit_s: float = LONG_S) -> str:
    with pytest.raises(HookFailureError) as caught:
        run(*command, limit_s=limit_s)
    return str(caught.value)


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def is_running(file: Path) -> bool:
    """Return whether the process whose number is in a file still runs; a zombie does not."""
    try:
        return Path(f"/proc/{file.read_text()}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_reads_the_event_and_its_arguments_as_they_are(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "import json, sys; open(sys.argv[1], 'w').write(json.dumps([sys.argv[2:], sys.stdin.read()]))"
    run(*python(code, str(out), "$HOME; `x` 'a b' *"))
    assert json.loads(out.read_text()) == [["$HOME; `x` 'a b' *"], EVENT.decode()]


def test_an_event_of_any_size_and_a_program_that_does_not_read_it() -> None:
    run("true", event=b"x" * 1_000_000)
    run(*python("import sys; assert len(sys.stdin.read()) == 1_000_000"), event=b"x" * 1_000_000)


def test_what_fails_is_said() -> None:
    assert failure("/no/such/program") == "cannot be started: No such file or directory"
    assert failure("/etc/passwd") == "cannot be started: Permission denied"
    assert failure("false") == "ended with 1"
    assert failure("sh", "-c", "echo one >&2; echo 'no such pin\x1b[2J' >&2; exit 3") == "ended with 3: no such pin?[2J"
    assert failure("sh", "-c", "kill -15 $$") == "died of signal 15"


def test_a_program_that_complains_without_end_is_killed_at_the_limit() -> None:
    began_s = time.thread_time()
    assert failure("yes", limit_s=0.5) == "took longer than 0.5 s and was killed"
    assert failure("sh", "-c", "exec yes >&2", limit_s=0.5) == "took longer than 0.5 s and was killed"
    assert time.thread_time() - began_s < 0.5


def test_at_the_limit_its_whole_process_group_is_killed(tmp_path: Path) -> None:
    child = tmp_path / "child"
    assert "took longer" in failure("sh", "-c", f"sleep 1000 & echo -n $! > {child}; wait", limit_s=1)
    wait_until(lambda: not is_running(child))


def test_what_a_program_leaves_behind_is_killed_and_not_waited_for(tmp_path: Path) -> None:
    child = tmp_path / "child"
    run("sh", "-c", f"sleep 1000 & echo -n $! > {child}")  # which holds the other end of its standard error
    wait_until(lambda: not is_running(child))


def test_a_program_is_killed_when_the_daemon_stops() -> None:
    with canceller() as cancel:
        threading.Timer(0.2, os.eventfd_write, (cancel, 1)).start()
        with pytest.raises(HookFailureError, match="the daemon stops"):
            run_command(["sleep", "1000"], EVENT, 1000, cancel)


def test_nothing_of_the_daemon_is_handed_on(tmp_path: Path) -> None:
    ours = {
        "PATH": "/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "DISPLAY": ":0",
        "NOTIFY_SOCKET": "/run/x",
        "WATCHDOG_USEC": "1",
        "CREDENTIALS_DIRECTORY": "/run/credentials/x",
        "EMOTION_EDGE_MQTT__PASSWORD_FILE": "/p",
        "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "2",
        **of_unit(),
    }
    assert environment(ours).keys() == {"PATH", "HOME", "LANG", "DISPLAY"}
    out = tmp_path / "out"
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)  # noqa: FBT003  # its only argument
        run("sh", "-c", f"ls -l /proc/self/fd >{out}")
    assert "/out" in out.read_text()
    assert "/secret" not in out.read_text()


def of_unit() -> dict[str, str]:
    """Return the variables that the unit sets for the daemon."""
    lines = re.findall(r"^Environment=(\w+)=(.*)$", UNIT.read_text(), flags=re.MULTILINE)
    assert lines
    return dict(lines)


def test_a_script_finds_the_module_beside_it_also_in_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in of_unit().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "beside_it.py").touch()
    script = tmp_path / "script.py"
    script.write_text("import beside_it")
    run(sys.executable, str(script))


SHORTAGE = """
import os, resource, sys
from edge.hooks.command import run_command
from edge.hooks.failure import HookFailureError
from edge.hooks.post import post
cancel = os.eventfd(0)
def descriptors():
    return len(os.listdir("/proc/self/fd"))
def few(run, what):
    told = set()
    for left in range(12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (before - 1 + left, hard))
        try:
            run(what, b"x", 30, cancel)
        except HookFailureError as failure:
            told.add(str(failure))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(*sorted(told), sep="; ")
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
run_command(["true"], b"x", 30, cancel)
before = descriptors()
few(run_command, ["true"])
few(post, "http://127.0.0.1:1/")
print(descriptors() - before)
"""


def test_a_shortage_of_descriptors_is_a_failure_and_leaves_none_open() -> None:
    # In a process of its own, whose limit is its own too.
    told = subprocess.run([sys.executable, "-c", SHORTAGE], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    of_program, of_address, left_open = told.stdout.splitlines()
    assert of_program == "cannot be started: Too many open files"
    assert set(of_address.split("; ")) == {
        "cannot be run: Too many open files",
        "cannot be reached: Too many open files",
        "cannot be reached: Connection refused",
    }
    assert left_open == "0"


def test_a_program_that_cannot_be_started_or_watched_for_want_of_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_process: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def no_process(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    own = tmp_path / "own"
    monkeypatch.setattr(os, "pidfd_open", refuse)
    told = failure("sh", "-c", f"echo -n $$ > {own}; exec sleep 1000")
    assert told == "was killed, because nothing can watch it: Too many open files"
    assert not own.exists() or not is_running(own)
    monkeypatch.setattr(subprocess, "Popen", no_process)
    assert failure("true") == "cannot be started: no process is left"


LEAK = """
import contextlib, os
from edge.hooks.command import run_command
from edge.hooks.failure import HookFailureError
cancel = os.eventfd(0)
def run(*command, limit_s=30):
    with contextlib.suppress(HookFailureError):
        run_command(command, b"x", limit_s, cancel)
run("true")
before = len(os.listdir("/proc/self/fd"))
for _ in range(3):
    run("true")
    run("/no/such/program")
    run("sleep", "1000", limit_s=0.05)
print(len(os.listdir("/proc/self/fd")) - before)
"""


def test_no_descriptor_is_left() -> None:
    # In a process of its own: here, threads of other tests open and close theirs.
    told = subprocess.run([sys.executable, "-c", LEAK], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert told.stdout == "0\n"


def test_what_is_killed_leaves_no_zombie_to_the_first_process_of_a_container() -> None:
    code = """
import ctypes, os
from edge.hooks.command import run_command
PR_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans come to this process
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
idle, _ = os.pipe()
run_command(["sh", "-c", "sleep 50 & sleep 50 & exit 0"], b"", 10, idle)
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("nothing is left")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "nothing is left\n"
