from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.mounts import can_mount

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "emotion-edge.service"
EXPOSURE = 1.5
"""What is measured with this hardening, rounded by systemd; 0 is no exposure, 10 is all."""

NOBODY = 65534

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: apt install systemd"
)

needs_mount = pytest.mark.skipif(not can_mount(), reason="mounting needs root, and the right to")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Give the unit with a command that is there, as the daemon is not installed here."""
    text, replaced = re.subn(r"^(Exec\w+)=/opt/\S+", r"\1=/bin/true", UNIT.read_text(), flags=re.MULTILINE)
    assert replaced == 2
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), flags=re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(FOLDER / name), *arguments], capture_output=True, text=True, check=False)


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


@pytest.mark.parametrize("path", sorted([*FOLDER.glob("*.sh"), *FOLDER.parent.glob("requirements/*.sh")]), ids=str)
def test_scripts_are_shell(path: Path) -> None:
    result = subprocess.run(["sh", "-n", path], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    if shellcheck := shutil.which("shellcheck"):
        checked = subprocess.run([shellcheck, "-x", path], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", ["install.sh", "uninstall.sh"])
def test_scripts_refuse_without_root(name: str) -> None:
    user = NOBODY if os.geteuid() == 0 else None
    # Through standard input, as nobody may not be let into the folder of a checkout.
    result = subprocess.run(
        ["sh", "-s"],
        input=(FOLDER / name).read_text(),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    assert result.returncode == 1
    assert "this needs root: run 'sudo sh'" in result.stderr  # that is its name there, and there is no Makefile


@pytest.mark.parametrize("name", ["install.sh", "uninstall.sh"])
@pytest.mark.parametrize("arguments", [("--prefix", "x"), ("--root",), ("--root", "/no/such/folder"), ("--root", "/")])
def test_scripts_refuse_what_they_do_not_know(name: str, arguments: tuple[str, ...]) -> None:
    result = script(name, *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{name}: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="without root it refuses earlier")
@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd runs here: this would install")
def test_install_refuses_without_systemd() -> None:
    result = script("install.sh")
    assert result.returncode == 1
    assert "systemd does not run here; 'make run' starts the daemon without it" in result.stderr


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
