from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edge.daemon.detection import ON_EVERY_S, DetectionSwitch, SwitchCommands
from tests.mounts import ext4_image, make_room, mounted, small_tmpfs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def switch(tmp_path: Path) -> Callable[[], DetectionSwitch]:
    """Return the switch as the next start of the daemon finds it."""
    return lambda: DetectionSwitch(tmp_path / "state", tmp_path / "runtime")


def test_it_is_on_until_it_is_turned_off_and_remembers_that(switch: Callable[[], DetectionSwitch]) -> None:
    first = switch()
    assert (first.on, str(first)) == (True, "ON")
    assert first.turn(on=False)
    again = switch()
    assert (again.on, str(again)) == (False, "OFF")
    assert again.turn(on=True)
    assert switch().on


@pytest.mark.parametrize("installed", ["", "ON\n"])
def test_where_each_boot_forgets_it_starts_off_and_restarts_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, installed: str
) -> None:
    """As below the overlay of a read-only root; `installed` is what the root itself says for ever."""

    def boot() -> None:
        for folder in ("state", "runtime"):
            shutil.rmtree(tmp_path / folder, ignore_errors=True)
        if installed:
            (tmp_path / "state").mkdir()
            (tmp_path / "state" / "detection").write_text(installed)

    def start() -> DetectionSwitch:
        return DetectionSwitch(tmp_path / "state", tmp_path / "runtime", forgotten_at_boot=True)

    boot()
    first = start()
    assert not first.on
    assert first.off_reason == "each boot forgets whether detection was turned off, so it starts off"
    assert first.turn(on=True)
    assert start().on
    assert start().turn(on=False)
    again = start()
    assert (again.on, again.off_reason) == (False, "detection was turned off")
    assert again.turn(on=True)
    boot()
    assert not start().on
    assert caplog.text.count("see docs/read-only-root.md") == 5


def test_only_a_change_is_written(switch: Callable[[], DetectionSwitch], tmp_path: Path) -> None:
    subject, file = switch(), tmp_path / "state" / "detection"

    def written() -> tuple[int, int]:
        return file.stat().st_mtime_ns, file.stat().st_ino

    before = written()
    assert not subject.turn(on=True)
    assert written() == before
    assert subject.turn(on=False)
    after = written()
    assert after != before
    assert not subject.turn(on=False)
    assert written() == after


@pytest.mark.parametrize("content", [b"", b"off", b"OFFOFF", b"\xff\xfe", b"O" * 100_000])
def test_a_damaged_file_means_off_until_it_is_turned_on(
    switch: Callable[[], DetectionSwitch], tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    switch()
    (tmp_path / "state" / "detection").write_bytes(content)
    subject = switch()
    assert not subject.on
    assert "cannot be read" in caplog.text
    subject.turn(on=True)
    assert switch().on


def test_what_is_no_regular_file_means_off(switch: Callable[[], DetectionSwitch], tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "detection").symlink_to("/dev/zero")
    assert not switch().on


def test_a_missing_file_means_off_once_it_was_ever_turned_off(
    switch: Callable[[], DetectionSwitch], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = switch()
    first.turn(on=False)
    first.turn(on=True)
    assert switch().on
    (tmp_path / "state" / "detection").unlink()
    subject = switch()
    assert not subject.on
    assert "is missing; detection is off" in caplog.text
    assert subject.turn(on=True)
    assert switch().on


def test_what_an_older_version_noted_below_the_name_of_the_device_counts(
    switch: Callable[[], DetectionSwitch], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "emotion_edge_kitchen.detection.ever-off").touch()
    assert not switch().on


def test_a_fifo_in_its_place_stops_nothing(switch: Callable[[], DetectionSwitch], tmp_path: Path) -> None:
    with small_tmpfs(tmp_path / "state") as disk:
        os.mkfifo(disk / "detection")
        fill(disk)
        subject = switch()
        assert not subject.on
        assert not subject.turn(on=False)
        assert subject.turn(on=True)
        assert subject.turn(on=False)
        assert not switch().on


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(4096)):
            pass


def test_off_is_remembered_on_a_disk_that_is_full_by_now(tmp_path: Path) -> None:
    with small_tmpfs(tmp_path / "state") as disk:
        subject = DetectionSwitch(disk, tmp_path / "runtime")
        fill(disk)
        assert subject.turn(on=False)
        assert subject.off_reason == "detection was turned off"
        assert not DetectionSwitch(disk, tmp_path / "other").on


def test_off_is_remembered_on_a_disk_that_was_full_before_the_first_start(
    switch: Callable[[], DetectionSwitch], tmp_path: Path
) -> None:
    with small_tmpfs(tmp_path / "state") as disk:
        fill(disk)
        subject = switch()
        assert subject.on
        assert subject.turn(on=False)
        assert subject.off_reason == "detection was turned off"
        (tmp_path / "runtime" / "detection").unlink()  # a reboot
        assert not switch().on


def test_off_that_no_disk_can_remember_is_said_and_outlives_the_daemon(
    switch: Callable[[], DetectionSwitch], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_tmpfs(tmp_path / "state", files=0) as disk:
        subject = switch()
        assert subject.on
        assert subject.turn(on=False)
        assert "a reboot may turn it on" in subject.off_reason
        assert "detection OFF cannot be remembered" in caplog.text
        assert not switch().on
        make_room(disk)
        subject.turn(on=False)  # said again, tried again
        assert subject.off_reason == "detection was turned off"
        (tmp_path / "runtime" / "detection").unlink()  # a reboot
        assert not switch().on


_TURN_OFF = """
import sys
from pathlib import Path
from edge.daemon.detection import DetectionSwitch
switch = DetectionSwitch(Path(sys.argv[1]), Path(sys.argv[2]))
print("started", flush=True)
input()
switch.turn(on=False)
print("confirmed", flush=True)
input()
"""


@pytest.mark.parametrize("number", range(3))
def test_off_survives_a_power_cut_right_after_it_was_confirmed(tmp_path: Path, number: int) -> None:
    """The image is copied while it is mounted: what is not synced is not in the copy."""
    image, copy = ext4_image(tmp_path / "disk.img"), tmp_path / f"copy{number}.img"
    with mounted(image, tmp_path / "disk") as disk:
        command = [sys.executable, "-c", _TURN_OFF, str(disk), str(tmp_path / "runtime")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as daemon:
            assert daemon.stdin
            assert daemon.stdout
            assert daemon.stdout.readline() == "started\n"
            daemon.stdin.write("\n")
            daemon.stdin.flush()
            assert daemon.stdout.readline() == "confirmed\n"
            shutil.copyfile(image, copy)
            daemon.kill()
    with mounted(copy, tmp_path / "after") as disk:
        assert not DetectionSwitch(disk, tmp_path / "reboot").on


def test_a_flood_of_commands_turns_it_on_no_more_often_than_it_may() -> None:
    commands, on, turned = SwitchCommands(), False, [0, 0]
    for tick in range(4 * 60):  # a minute, with another command each quarter of a second
        due = commands.due(tick / 4, command=tick % 2 == 0, on=on)
        if due is not None and due is not on:
            on = due
            turned[on] += 1
    assert turned == [60 / ON_EVERY_S, 60 / ON_EVERY_S]


@pytest.mark.parametrize("last", [True, False])
def test_off_is_never_late_and_the_last_command_wins(*, last: bool) -> None:
    commands = SwitchCommands()
    assert commands.due(100.0, command=True, on=False) is True
    assert commands.due(100.1, command=False, on=True) is False
    assert commands.due(100.2, command=True, on=False) is None
    if not last:
        assert commands.due(100.3, command=False, on=False) is False
    assert commands.due(100.0 + ON_EVERY_S, command=None, on=False) is (True if last else None)
    assert commands.due(200.0, command=None, on=last) is None


def test_on_while_it_is_on_delays_nothing() -> None:
    commands = SwitchCommands()
    assert commands.due(100.0, command=True, on=True) is True
    assert commands.due(100.1, command=False, on=True) is False
    assert commands.due(100.2, command=True, on=False) is True
