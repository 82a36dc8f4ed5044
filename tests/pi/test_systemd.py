"""The real service under the real systemd: installed, killed, stopped, misled, walled in, and removed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pi.cache import scratch, unpack
from tests.pi.container import Container
from tests.pi.prerequisites import need, need_root
from tests.pi.release import platform, release, variant
from tests.pi.rootfs import Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNIT = "emotion-edge.service"
LINES, COLUMNS = 24, 80
"""Of a terminal, which what the installer says at its end fits into."""

CONFIG = "/etc/emotion-edge/config.toml"
PROBE = Path(__file__).parent / "probes/reach.py"

PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "mosquitto", "mosquitto-clients", "make")
TRIXIE = Rootfs("trixie", ("amd64",), (*PACKAGES, "procps", "kmod"), variant="minbase")

TEST_CARD = """
[camera]
source = "testcard"

[mqtt]
url = "mqtt://127.0.0.1"
device = "lab"
"""


@pytest.fixture(scope="module")
def system() -> Iterator[Container]:
    need_root()
    need("mmdebstrap")
    need("systemd-nspawn")
    archive, tarball = release(platform("debian13-amd64")), TRIXIE.tarball()
    with scratch() as work:
        newer = variant(archive, work / "newer", "99.1")
        broken = variant(archive, work / "broken", "99.2", broken=True)
        root = unpack(tarball, work / "root")
        folders = {archive: "/release", newer: "/newer", broken: "/broken"}
        # The device is named after the machine, so that everything that it ever publishes has one name.
        (root / "etc/hostname").write_text("lab\n", encoding="utf-8")
        with Container(root, folders) as container:
            container.run("systemctl", "start", "mosquitto")
            container.wait("mosquitto", "ActiveState", "active")
            yield container


@pytest.fixture(scope="module")
def files_before(system: Container) -> dict[str, str]:
    return files(system.root)


@pytest.fixture(scope="module")
def installed(system: Container, files_before: dict[str, str], say: Callable[[str], None]) -> Container:
    assert files_before
    began_s = time.monotonic()
    done = system.run("/release/install.sh", "--broker", "mqtt://127.0.0.1")
    _, ended, how = done.stdout.partition("is installed and runs")
    assert ended, done.stdout
    assert len(how.splitlines()) <= LINES, how
    assert max(map(len, how.splitlines())) <= COLUMNS, how
    say(f"systemd: installed in {time.monotonic() - began_s:.0f} s, without a network")
    return system


@pytest.fixture
def running(installed: Container) -> Container:
    """The service, watching the test card."""
    configure(installed, TEST_CARD)
    installed.wait(UNIT, "ActiveState", "active")
    return installed


def configure(container: Container, text: str) -> None:
    (container.root / CONFIG[1:]).write_text(text, encoding="utf-8")
    container.run("systemctl", "reset-failed", UNIT, check=False)
    container.run("systemctl", "restart", "--no-block", UNIT)


def next_event(container: Container) -> dict[str, object]:
    line = container.run("mosquitto_sub", "-t", "emotion-edge/lab/event", "-C", "1", "-W", "60").stdout
    event: dict[str, object] = json.loads(line)
    return event


def test_it_is_ready_and_its_events_arrive(running: Container) -> None:
    event = next_event(running)
    assert (event["device"], event["synthetic"]) == ("lab", True)
    assert running.show(UNIT, "User") == "emotion-edge"


def test_killed_it_comes_back(running: Container) -> None:
    before = running.show(UNIT, "MainPID")
    running.run("kill", "-KILL", before)
    until = time.monotonic() + 60
    while running.show(UNIT, "MainPID") in {before, "0"} or running.show(UNIT, "ActiveState") != "active":
        assert time.monotonic() < until, running.journal(UNIT)[-20:]
        time.sleep(0.3)
    assert next_event(running)


def test_stopped_it_is_killed_by_the_watchdog_and_comes_back(running: Container) -> None:
    assert next_event(running)
    before = running.show(UNIT, "MainPID")
    running.run("kill", "-STOP", before)
    until = time.monotonic() + 120
    while running.show(UNIT, "MainPID") in {before, "0"} or running.show(UNIT, "ActiveState") != "active":
        assert time.monotonic() < until, running.journal(UNIT)[-20:]
        time.sleep(0.3)
    assert any("atchdog timeout" in line for line in running.journal(UNIT))
    assert next_event(running)


def test_a_wrong_configuration_fails_once_and_says_where(installed: Container) -> None:
    configure(installed, TEST_CARD + "\n[faces]\nmin_hight = 60\n")
    installed.wait(UNIT, "ActiveState", "failed")
    tries = installed.show(UNIT, "NRestarts")
    time.sleep(20)  # more than RestartSec=
    assert (installed.show(UNIT, "ActiveState"), installed.show(UNIT, "NRestarts")) == ("failed", tries)
    assert any("min_hight" in line and "min_height" in line for line in installed.journal(UNIT)[-20:])


def test_a_wrong_password_is_said_once_and_ends_nothing(installed: Container, system: Container) -> None:
    secrets = system.root / "etc/mosquitto/conf.d/lab.conf"
    secrets.write_text(
        "allow_anonymous false\npassword_file /etc/mosquitto/passwords\nlistener 1883 127.0.0.1\n", "utf-8"
    )
    system.run("mosquitto_passwd", "-b", "-c", "/etc/mosquitto/passwords", "lab", "right")
    system.run("chown", "mosquitto", "/etc/mosquitto/passwords")
    system.run("systemctl", "restart", "mosquitto")
    began = system.out("date", "+%s")
    try:
        password = system.root / "etc/emotion-edge/wrong"
        password.write_text("wrong\n", "utf-8")
        password.chmod(0o644)
        url = '"mqtt://lab@127.0.0.1"\npassword_file = "/etc/emotion-edge/wrong"'
        configure(installed, TEST_CARD.replace('"mqtt://127.0.0.1"', url))
        time.sleep(20)
        assert installed.show(UNIT, "ActiveState") == "active"
        lines = [line for line in installed.journal(UNIT, "--since", f"@{began}") if "refuses" in line]
        assert len(lines) == 1, lines
        assert "password" in lines[0]
    finally:
        secrets.unlink()
        (system.root / "etc/mosquitto/passwords").unlink()
        system.run("systemctl", "restart", "mosquitto")


def test_doctor_checks_as_the_services_user(installed: Container, system: Container) -> None:
    listener = system.root / "etc/mosquitto/conf.d/lab.conf"
    listener.write_text(
        "allow_anonymous false\npassword_file /etc/mosquitto/passwords\nlistener 1883 127.0.0.1\n", "utf-8"
    )
    system.run("mosquitto_passwd", "-b", "-c", "/etc/mosquitto/passwords", "lab", "right")
    system.run("chown", "mosquitto", "/etc/mosquitto/passwords")
    system.run("systemctl", "restart", "mosquitto")
    password, store = system.root / "etc/emotion-edge/password", system.root / "etc/credstore"
    had_store = store.exists()
    try:
        password.write_text("right\n", "utf-8")
        password.chmod(0o600)
        url = '"mqtt://lab@127.0.0.1"\npassword_file = "{}"'
        configure(installed, TEST_CARD.replace('"mqtt://127.0.0.1"', url.format("/etc/emotion-edge/password")))
        found = doctor(system)
        assert found["files"]["status"] == "broken"
        assert (
            "it belongs to root (mode 0600), and the service's user emotion-edge cannot read" in found["files"]["found"]
        )
        system.run("sh", "-c", found["files"]["fix"].replace("sudo ", ""))  # what it says is what helps
        credential = "/run/credentials/emotion-edge.service/mqtt-password"
        assert credential in found["files"]["fix"]
        configure(installed, TEST_CARD.replace('"mqtt://127.0.0.1"', url.format(credential)))
        installed.wait(UNIT, "ActiveState", "active")
        before = installed.show(UNIT, "MainPID")
        for state in ("active", "inactive"):
            found = doctor(system)
            assert {found[check]["status"] for check in ("configuration", "files", "model", "camera", "broker")} == {
                "ok"
            }
            assert "published below emotion-edge/lab/ and read back" in found["broker"]["found"]
            assert installed.show(UNIT, "ActiveState") == state
            if state == "active":
                assert installed.show(UNIT, "MainPID") == before
                system.run("systemctl", "stop", UNIT)
        (store / "emotion-edge.mqtt-password").write_text("wrong\n", "utf-8")
        assert "it refuses the login" in doctor(system)["broker"]["found"]
        (store / "emotion-edge.mqtt-password").unlink()
        assert "which is missing" in doctor(system)["files"]["found"]
    finally:
        listener.unlink()
        password.unlink(missing_ok=True)
        (store / "emotion-edge.mqtt-password").unlink(missing_ok=True)
        if not had_store:
            store.rmdir()
        (system.root / "etc/mosquitto/passwords").unlink()
        system.run("systemctl", "restart", "mosquitto")


def doctor(container: Container) -> dict[str, dict[str, str]]:
    """Return what doctor finds, as root who installed the service, by check."""
    said = container.run("emotion-edge", "doctor", "--json", check=False)
    assert not said.stderr, said.stderr
    return {each["name"]: each for each in json.loads(said.stdout)}


def test_without_a_camera_the_log_stays_short(installed: Container, say: Callable[[str], None]) -> None:
    began = installed.out("date", "+%s")
    configure(installed, TEST_CARD.replace("testcard", "auto"))
    time.sleep(60)
    lines = installed.journal(UNIT, "--since", f"@{began}")
    say(f"systemd: without a camera the journal has {len(lines)} lines after the first minute")
    assert any("camera" in line for line in lines)
    assert len(lines) <= 15, "\n".join(lines)


def test_what_it_must_not_do_is_refused(running: Container, system: Container) -> None:
    shutil.copy(PROBE, system.root / "usr/local/lib/reach.py")
    (system.root / "home/somebody").mkdir(mode=0o755, exist_ok=True)
    free = json.loads(system.out("python3", "/usr/local/lib/reach.py", "/home/somebody"))
    able = {name for name, outcome in free.items() if outcome == "done"}
    # As root without the unit's walls the probe can do nearly all, so that it would notice a wall that is missing.
    assert able >= {"write into /usr", "write into /etc", "read another's home", "open a raw socket"}, free
    walled = inside_the_unit(system)
    assert "done" not in walled.values(), walled
    walls_alone = inside_the_unit(system, "User=root\nGroup=root\n")
    assert "done" not in walls_alone.values(), walls_alone
    assert running.show(UNIT, "ActiveState") == "active"


def inside_the_unit(system: Container, more: str = "") -> dict[str, str]:
    """Run the probe with every directive of the unit, but for what is run and how often."""
    unit = system.run("systemctl", "cat", UNIT).stdout
    command = "/usr/bin/python3 /usr/local/lib/reach.py /home/somebody"
    drop_in = (
        f"[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nExecReload=\nExecStart=\nExecStart={command}\n{more}"
    )
    script = (
        "cd /run/systemd/system && mkdir -p reach.service.d\n"
        f"cat > reach.service <<'END'\n{unit}\nEND\n"
        f"cat > reach.service.d/lab.conf <<'END'\n{drop_in}END\n"
        "systemctl daemon-reload && systemctl start reach"
    )
    system.run("sh", "-c", script)
    lines = [line for line in system.journal("reach") if line.startswith("{")]
    found: dict[str, str] = json.loads(lines[-1])
    return found


def test_an_upgrade_keeps_the_configuration_and_a_downgrade_goes_back(running: Container) -> None:
    before = version(running)
    running.run("/newer/install.sh")
    assert version(running).startswith("99.1-")
    assert (running.root / CONFIG[1:]).read_text(encoding="utf-8") == TEST_CARD
    assert next_event(running)
    running.run("/opt/emotion-edge/current/share/emotion-edge/install.sh", "--rollback")
    assert version(running) == before
    assert next_event(running)


def test_an_upgrade_that_does_not_become_ready_goes_back_by_itself(
    running: Container, say: Callable[[str], None]
) -> None:
    before = version(running)
    began_s = time.monotonic()
    done = running.run("/broken/install.sh", check=False)
    say(f"systemd: a broken upgrade was taken back in {time.monotonic() - began_s:.0f} s")
    assert done.returncode != 0
    assert "broken on purpose" in done.stdout + done.stderr
    assert version(running) == before
    assert next_event(running)


def version(container: Container) -> str:
    """Return the installed version."""
    return (container.root / "opt/emotion-edge/current").readlink().name


def test_purged_it_leaves_logs_alone(installed: Container, system: Container, files_before: dict[str, str]) -> None:
    system.run("rm", "-rf", "/usr/local/lib/reach.py", "/home/somebody")
    system.run("sh", "-c", "rm -rf /run/systemd/system/reach.service*; systemctl daemon-reload")
    configure(installed, TEST_CARD)
    installed.wait(UNIT, "ActiveState", "active")
    assert next_event(installed)
    system.run("env", "PURGE=1", "/release/uninstall.sh")
    after = files(system.root)
    changed = {name for name in files_before.keys() | after.keys() if files_before.get(name) != after.get(name)}
    assert not {name for name in changed if not name.startswith(LOGS)}, sorted(changed)
    kept = system.out("mosquitto_sub", "-t", "emotion-edge/#", "-t", "homeassistant/#", "-W", "3", "-F", "%t %p")
    assert kept == ""
    assert system.run("id", "emotion-edge", check=False).returncode != 0


LOGS = (
    "var/log/",
    "var/lib/mosquitto/",  # the broker's
    "var/lib/systemd/",  # when timers and credentials were last used
    "etc/passwd-",  # copies that useradd and its like leave of what was before
    "etc/group-",
    "etc/shadow-",
    "etc/gshadow-",
)
"""What may differ afterwards."""

NOT_FILES = ("proc", "sys", "dev", "run", "tmp", "release", "newer", "broken")
"""Mounted in the container, or gone with it."""


def files(root: Path) -> dict[str, str]:
    """Return each file and folder below a root with its mode, its owner, and its content's hash or its target."""
    found = {}
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [each for each in folders if each not in NOT_FILES]
        for path in (Path(folder) / name for name in [*folders, *names]):
            about = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(about.st_mode) else ""
            target = str(path.readlink()) if path.is_symlink() else ""
            found[str(path.relative_to(root))] = f"{about.st_mode:o} {about.st_uid}:{about.st_gid} {content}{target}"
    return found
