from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from edge.system import notify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Listen as systemd does."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@emotion-edge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listening


def test_each_call_is_one_datagram_of_assignments(manager: socket.socket) -> None:
    notify.ready("camera /dev/video0")
    notify.watchdog()
    notify.status("2 faces")
    notify.stopping()
    assert [manager.recv(4096) for _ in range(4)] == [
        b"READY=1\nSTATUS=camera /dev/video0",
        b"WATCHDOG=1",
        b"STATUS=2 faces",
        b"STOPPING=1",
    ]


def test_a_status_cannot_smuggle_in_another_assignment(manager: socket.socket) -> None:
    notify.status("camera gone\nREADY=1\r\nSTOPPING=1")
    assert manager.recv(4096) == b"STATUS=camera gone READY=1 STOPPING=1"


def test_a_file_whose_name_is_no_utf_8_is_named_all_the_same(manager: socket.socket) -> None:
    notify.status("no image: " + os.fsdecode(b"z\xff.png"))
    assert manager.recv(4096) == b"STATUS=no image: z?.png"


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative/path"])
def test_without_a_local_socket_nothing_happens(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify.ready()
    assert not caplog.records


def test_a_manager_that_is_gone_is_said_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify.watchdog()
    assert "No such file or directory" in caplog.text


def test_the_interval_is_half_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert notify.watchdog_interval_s() == 15.0
    monkeypatch.delenv("WATCHDOG_PID")
    assert notify.watchdog_interval_s() == 15.0


@pytest.mark.parametrize("deadline", ["", "0", "soon", "-5"])
def test_no_deadline_means_no_watchdog(deadline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", deadline)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert notify.watchdog_interval_s() is None


def test_a_watchdog_of_another_process_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getppid()))
    assert notify.watchdog_interval_s() is None
