"""The broker's passwords: one for each instance, for root alone."""

from __future__ import annotations

import os
import pty
import signal
import stat
import subprocess
import termios
from typing import TYPE_CHECKING

import pytest

from tests.broker import wait_until
from tests.systemd.service import FOLDER, do

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.checkout import Checkout


@pytest.mark.parametrize("source", ["a file", "-"])
def test_the_password_is_roots_alone_whatever_is_in_it(tmp_path: Path, source: str) -> None:
    secret = r"a 'b' \n $(touch sprung) ü"  # noqa: S105  # it guards nothing
    (tmp_path / "secret").write_text(f"{secret}\n")
    named = str(tmp_path / "secret") if source == "a file" else source
    said = do(tmp_path, f"read_password {named}; save_password", f"{secret}\n")
    saved = tmp_path / "etc/credstore/emotion-edge.mqtt-password"
    assert saved.read_text() == f"{secret}\n"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert stat.S_IMODE(saved.parent.stat().st_mode) == 0o700
    assert secret not in said


def test_who_gives_up_at_the_password_keeps_a_terminal_that_shows_what_is_typed() -> None:
    ours, theirs = pty.openpty()

    def shows() -> bool:
        return bool(termios.tcgetattr(theirs)[3] & termios.ECHO)

    command = ["sh", "-eu", "-c", f'. {FOLDER}/service.sh; read_password -; echo "$secret"']
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, start_new_session=True) as one:
        wait_until(lambda: not shows())
        os.killpg(one.pid, signal.SIGTERM)
        assert one.wait(10) != 0
    wait_until(shows)
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, start_new_session=True) as one:
        wait_until(lambda: not shows())
        os.write(ours, b"a secret\n")
        assert one.communicate(timeout=10)[0] == b"a secret\n"
    assert shows()
    assert b"a secret" not in os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)


def test_each_instance_has_a_password_of_its_own(tmp_path: Path) -> None:
    for unit in ("emotion-edge", "emotion-edge@front", "emotion-edge@back"):
        do(tmp_path, "read_password -; save_password", f"of {unit}\n", f"{unit}.service")
    store = tmp_path / "etc/credstore"
    assert {file.name: file.read_text() for file in store.iterdir()} == {
        "emotion-edge.mqtt-password": "of emotion-edge\n",
        "emotion-edge@front.mqtt-password": "of emotion-edge@front\n",
        "emotion-edge@back.mqtt-password": "of emotion-edge@back\n",
    }


def test_an_upgrade_copies_the_common_password_to_the_instances_that_use_it(tmp_path: Path) -> None:
    store, configs = tmp_path / "etc/credstore", tmp_path / "etc/emotion-edge"
    for folder in (store, configs):
        folder.mkdir(parents=True)
    do(tmp_path, "read_password -; save_password", "common\n")
    do(tmp_path, "read_password -; save_password", "own\n", "emotion-edge@back.service")
    for unit in ("emotion-edge", "emotion-edge@front", "emotion-edge@back"):
        line = f'password_file = "/run/credentials/{unit}.service/mqtt-password"\n'
        (configs / f"{unit.partition('@')[2] or 'config'}.toml").write_text(line)
    (configs / "side.toml").write_text('# password_file = "/run/credentials/emotion-edge@side.service/mqtt-password"\n')
    (store / "emotion-edge@front.mqtt-password").touch()  # as a power cut left it
    subprocess.run([FOLDER / "own-passwords.sh", tmp_path], check=True)
    found = {file.name.removesuffix(".mqtt-password"): file.read_text().strip() for file in store.iterdir()}
    assert found == {"emotion-edge": "common", "emotion-edge@front": "common", "emotion-edge@back": "own"}
    assert stat.S_IMODE((store / "emotion-edge@front.mqtt-password").stat().st_mode) == 0o600


def test_a_password_without_a_user_which_the_daemon_refuses_does_not_pass(checkout: Checkout) -> None:
    refused = checkout.install("--broker", "mqtt://home", "--password-file", "-", said="hush\n")
    assert refused.returncode == 1
    assert "password_file needs a user in the address: mqtt://user@host" in refused.stderr
    assert not (checkout.root / "etc/credstore").exists()


def test_an_empty_password_changes_nothing(checkout: Checkout) -> None:
    refused = checkout.install("--broker", "mqtt://kitchen@home", "--password-file", "-", said="\n")
    assert (refused.returncode, refused.stderr) == (1, "install.sh: the password is empty\n")
    assert not list((checkout.root / "etc/emotion-edge").iterdir())


def test_the_copy_of_a_password_is_on_the_disk_before_it_has_its_name(tmp_path: Path) -> None:
    store, configs, programs = tmp_path / "etc/credstore", tmp_path / "etc/emotion-edge", tmp_path / "bin"
    for folder in (store, configs, programs):
        folder.mkdir(parents=True)
    (configs / "front.toml").write_text("password_file = '/run/credentials/emotion-edge@front.service/mqtt-password'\n")
    (store / "emotion-edge.mqtt-password").write_text("common\n")
    (programs / "sync").write_text(f'#!/bin/sh\ncat "$1" && ls {store} >{tmp_path}/synced\n')
    (programs / "sync").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    copied = subprocess.run(
        [FOLDER / "own-passwords.sh", tmp_path], check=True, capture_output=True, env={"PATH": path}
    )
    assert copied.stdout == b"common\n"
    assert "emotion-edge@front.mqtt-password" not in (tmp_path / "synced").read_text().splitlines()
    assert (store / "emotion-edge@front.mqtt-password").read_text() == "common\n"
