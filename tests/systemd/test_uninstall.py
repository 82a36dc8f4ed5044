"""What stays of an installation and what goes; the broker forgets its devices."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.mounts import can_mount
from tests.systemd.service import FOLDER, script
from tests.users import NOBODY

if TYPE_CHECKING:
    from pathlib import Path

needs_mount = pytest.mark.skipif(not can_mount(), reason="mounting needs root, and the right to")


FORGET = """#!/bin/sh
# What it is told to forget, and with which password.
echo "$(basename "$3")" "$(cat "$EMOTION_EDGE_MQTT__PASSWORD_FILE" 2>/dev/null)"
"""


@pytest.mark.parametrize("line", ['password_file = "{}"', "\tpassword_file\t=\t'{}'"])
def test_each_device_is_removed_from_its_broker_with_its_own_password(tmp_path: Path, line: str) -> None:
    forget = re.sub("(?<=[ =])/(?=etc/)", f"{tmp_path}/", (FOLDER / "forget.sh").read_text())
    command, store, configs = tmp_path / "command", tmp_path / "etc/credstore", tmp_path / "etc/emotion-edge"
    for folder in (store, configs):
        folder.mkdir(parents=True)
    command.write_text(FORGET)
    command.chmod(0o755)
    for unit in ("emotion-edge", "emotion-edge@front", "emotion-edge@back"):
        (store / f"{unit}.mqtt-password").write_text(f"of {unit}\n")
        text = line.format(f"/run/credentials/{unit}.service/mqtt-password")
        (configs / f"{unit.partition('@')[2] or 'config'}.toml").write_text(text)
    (store / "emotion-edge@side.mqtt-password").write_text("not asked for")
    (configs / "side.toml").write_text("# password_file = '/run/credentials/emotion-edge@side.service/mqtt-password'\n")
    done = subprocess.run(["sh", "-c", forget, "sh", command], capture_output=True, text=True, check=True)
    assert [line.strip() for line in done.stdout.splitlines()] == [
        "back.toml of emotion-edge@back",
        "config.toml of emotion-edge",
        "front.toml of emotion-edge@front",
        "side.toml",
    ]


def test_uninstall_keeps_what_is_the_users_unless_told(tmp_path: Path) -> None:
    kept = [tmp_path / "etc/emotion-edge/config.toml", tmp_path / "var/lib/emotion-edge/outbox.db"]
    kept.append(tmp_path / "etc/sysusers.d/emotion-edge.conf")  # the state keeps its owner
    gone = [tmp_path / "opt/emotion-edge/1.0/bin/emotion-edge", tmp_path / "run/emotion-edge/session.json"]
    gone += [tmp_path / "etc/systemd/system" / name for name in ("emotion-edge.service", "emotion-edge@.service")]
    gone.append(tmp_path / "etc/tmpfiles.d/emotion-edge.conf")
    for file in kept + gone:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    # What the installer noted: these were not there before it came.
    (tmp_path / "opt/emotion-edge/.made-folders").write_text("/opt/emotion-edge\n/etc/sysusers.d\n/etc/tmpfiles.d\n")
    result = script("uninstall.sh", "--root", str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert all(file.exists() for file in kept)
    assert not any(file.exists() for file in gone)
    assert f"kept: {tmp_path}/etc/emotion-edge" in result.stdout
    environment = {**os.environ, "PURGE": "1"}
    subprocess.run(["sh", FOLDER / "uninstall.sh", "--root", tmp_path], check=True, env=environment)
    assert not any(file.exists() for file in kept)
    assert not (tmp_path / "etc/sysusers.d").exists()
    assert (tmp_path / "etc/systemd/system").exists()  # not ours


def test_uninstall_leaves_the_debian_package_to_apt(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("etc/emotion-edge/config.toml", "run/emotion-edge/session.json")]
    files += [tmp_path / name for name in ("usr/lib/emotion-edge/forget.sh", "var/lib/emotion-edge/detection")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    command: list[str | Path] = ["sh", FOLDER / "uninstall.sh", "--root", tmp_path]
    for purge in ("", "1"):
        environment = {**os.environ, "PURGE": purge}
        refused = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "the Debian package is installed: sudo apt remove emotion-edge" in refused.stderr
    assert all(file.exists() for file in files)


@needs_mount
def test_a_purge_empties_a_state_that_is_a_file_system_of_its_own(tmp_path: Path) -> None:
    """The set-up of docs/read-only-root.md: a mount point cannot be removed."""
    gone = [tmp_path / "etc/emotion-edge/config.toml", tmp_path / "etc/credstore/emotion-edge.mqtt-password"]
    gone.append(tmp_path / "etc/credstore/emotion-edge@front.mqtt-password")
    gone += [tmp_path / "etc/tmpfiles.d/emotion-edge.conf", tmp_path / "etc/sysusers.d/emotion-edge.conf"]
    gone.append(tmp_path / "etc/systemd/system/emotion-edge@.service")
    gone += [file.with_name(f"{file.name}.new") for file in gone[1:]]  # what a power cut left
    for file in gone:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    state = tmp_path / "var/lib/emotion-edge"
    state.mkdir(parents=True)
    steps = f"""
        mount -t tmpfs none {state} && mkdir {state}/models && touch {state}/detection {state}/models/mine.tflite
        chown {NOBODY}:{NOBODY} {state}
        PURGE=1 sh {FOLDER}/uninstall.sh --root {tmp_path}
        ls -A {state}; stat -c 'owner %u' {state}"""
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", steps], capture_output=True, text=True, check=False, timeout=10
    )
    assert (result.returncode, result.stderr) == (0, "")
    said, _, left = result.stdout.partition("emotion-edge is uninstalled\n")
    assert f"kept: {state}, where a file system is mounted, now empty" in said
    assert left == "owner 0\n"
    assert not any(file.exists() for file in gone)


def test_a_purge_names_what_a_state_that_is_a_link_leads_to(tmp_path: Path) -> None:
    state, data, user = tmp_path / "var/lib/emotion-edge", tmp_path / "data/mine", tmp_path / "etc/sysusers.d"
    for folder in (state.parent, data, user):
        folder.mkdir(parents=True)
    state.symlink_to(data)
    for file in (data / "detection", user / "emotion-edge.conf"):
        file.touch()
    command: list[str | Path] = ["sh", FOLDER / "uninstall.sh", "--root", tmp_path]
    environment = {**os.environ, "PURGE": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 1
    assert f"kept: {data}, where {state} leads" in result.stdout
    assert (state / "detection").exists()
    assert (user / "emotion-edge.conf").exists()  # what is left keeps its owner
    shutil.rmtree(data)
    subprocess.run(command, check=True, env=environment)
    assert not state.is_symlink()


@needs_mount
def test_a_purge_says_what_it_could_not_delete(tmp_path: Path) -> None:
    """As an instance's state that is a file system of its own: what is mounted further down is left alone."""
    inside = tmp_path / "var/lib/emotion-edge/front"
    password = tmp_path / "etc/credstore/emotion-edge.mqtt-password"
    user = tmp_path / "etc/sysusers.d/emotion-edge.conf"
    for file in (password, user):
        file.parent.mkdir(parents=True)
        file.touch()
    inside.mkdir(parents=True)
    steps = f"""
        mount -t tmpfs none {inside} && touch {inside}/detection
        PURGE=1 LC_ALL=C sh {FOLDER}/uninstall.sh --root {tmp_path}"""
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", steps], capture_output=True, text=True, check=False, timeout=10
    )
    assert result.returncode == 1
    assert f"{inside}': Device or resource busy" in result.stderr
    assert "could not be emptied" in result.stderr
    assert not password.exists()
    assert user.exists()  # what is left keeps its owner
