"""The unit and its user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.systemd.service import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

UNIT = FOLDER / "emotion-edge.service"
EXPOSURE = 1.5
"""What is measured with this hardening, rounded by systemd; 0 is no exposure, 10 is all."""

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: apt install systemd"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Give the unit with a command that is there, as the daemon is not installed here."""
    text, replaced = re.subn(r"^(Exec\w+)=/opt/\S+", r"\1=/bin/true", UNIT.read_text(), flags=re.MULTILINE)
    assert replaced == 2
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


def test_the_devices_that_it_allows_are_known_when_it_starts() -> None:
    """Where the kernel has no such group then, systemd leaves it out, and a camera that comes later is denied."""
    found = settings()
    assert "char-video4linux rw" in found["DeviceAllow"]
    assert found["Wants"] == ["modprobe@videodev.service"]
    assert "modprobe@videodev.service" in found["After"][0].split()


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), flags=re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


@needs_analyze
def test_systemd_has_nothing_to_say_about_the_unit(unit: Path) -> None:
    result = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    ours = [line for line in result.stderr.splitlines() if "emotion-edge" in line]
    assert (result.returncode, ours) == (0, [])


@needs_analyze
def test_nor_about_an_instance_which_has_a_configuration_and_a_state_of_its_own(unit: Path) -> None:
    text = subprocess.run(
        ["sed", "-f", FOLDER / "instance.sed", unit], check=True, capture_output=True, text=True
    ).stdout
    template = unit.with_name("emotion-edge@.service")
    template.write_text(text)
    named = unit.with_name("emotion-edge@front.service")
    result = subprocess.run(["systemd-analyze", "verify", named], capture_output=True, text=True, check=False)
    ours = [line for line in result.stderr.splitlines() if "emotion-edge" in line]
    assert (result.returncode, ours) == (0, [])
    changed = {line for line in text.splitlines() if "%i" in line and not line.startswith("Description")}
    assert changed == {
        "ExecStart=/bin/true run --wait --config /etc/emotion-edge/%i.toml",
        "ExecReload=/bin/true config check --config /etc/emotion-edge/%i.toml",
        "StateDirectory=emotion-edge/%i",
        "RuntimeDirectory=emotion-edge/%i",
        "LoadCredential=mqtt-password:emotion-edge@%i.mqtt-password",
    }


@needs_analyze
def test_verify_would_see_a_mistake(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("WatchdogSec=30", "WatchdogSec=often"))
    result = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert "emotion-edge.service" in result.stderr
    assert "often" in result.stderr


@needs_analyze
def test_the_exposure_is_low(unit: Path) -> None:
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE * 10:.0f}", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    overall = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
    assert overall, result.stdout + result.stderr
    assert float(overall[1]) <= EXPOSURE
    assert result.returncode == 0


def system_calls(group: str) -> set[str]:
    """Return the names in one of systemd's groups, with those of the groups in it."""
    command = ["systemd-analyze", "syscall-filter", group]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r"^ +([@a-z]\S*)$", listed, re.MULTILINE))
    groups = {name for name in names if name.startswith("@")}
    return (names - groups).union(*map(system_calls, groups))


@needs_analyze
def test_hooks_may_start_watch_and_kill_their_programs() -> None:
    allowed: set[str] = set()
    for group in settings()["SystemCallFilter"]:
        for name in group.removeprefix("~").split():
            allowed = allowed - system_calls(name) if group.startswith("~") else allowed | system_calls(name)
    assert "openat" in allowed
    assert "reboot" not in allowed
    # What edge/hooks asks the kernel for, beyond reading and writing.
    assert {"memfd_create", "eventfd2", "pidfd_open", "vfork", "clone3", "setsid", "execve", "kill", "wait4"} <= allowed


def test_a_stop_leaves_hooks_their_second_and_none_of_their_programs() -> None:
    assert settings()["KillMode"] == ["mixed"]  # by default, systemd sends SIGTERM to the hooks' programs too


def test_it_keeps_trying_for_ever_but_not_what_cannot_mend_itself() -> None:
    unit = settings()
    assert unit["Restart"] == ["on-failure"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["RestartPreventExitStatus"] == ["2 4"]
    assert unit["RestartForceExitStatus"] == unit["SuccessExitStatus"] == ["3 5"]  # no "3/NOTIMPLEMENTED"
    assert "RestartSteps" not in unit  # version 252 would complain


def test_the_cameras_are_open_to_it_and_no_other_device() -> None:
    unit = settings()
    assert unit["DevicePolicy"] == ["closed"]
    assert unit["DeviceAllow"] == ["char-video4linux rw", "char-media rw", "char-dma_heap rw"]
    assert unit["SupplementaryGroups"] == ["video"]
    assert "PrivateDevices" not in unit


def test_the_password_may_be_missing() -> None:
    # With a path behind the colon, systemd refuses to start the unit where the file is not there.
    (credential,) = settings()["LoadCredential"]
    assert "/" not in credential


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is missing: apt install systemd")
@pytest.mark.skipif(os.geteuid() != 0, reason="systemd-sysusers writes password files, which needs root")
def test_sysusers_makes_a_locked_user_in_the_video_group(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = FOLDER / "sysusers.conf"
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", file], check=True, capture_output=True)
    (passwd,) = re.findall(r"^emotion-edge:.*$", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)
    assert passwd.endswith(":/var/lib/emotion-edge:/usr/sbin/nologin")
    assert re.search(r"^video:.*:emotion-edge$", (tmp_path / "etc/group").read_text(), re.MULTILINE)
    assert re.search(r"^emotion-edge:!", (tmp_path / "etc/shadow").read_text(), re.MULTILINE)
