"""The real service under the real systemd: installed, killed, stopped, misled, walled in, and removed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.broker import wait_until
from tests.pi.cache import scratch, unpack
from tests.pi.container import Container
from tests.pi.prerequisites import need, need_root
from tests.pi.release import platform, release, variant
from tests.pi.rootfs import Rootfs
from tests.pi.service import (
    BROKEN,
    BROKEN_VERSION,
    NEWER,
    NEWER_VERSION,
    PACKAGES,
    RELEASE,
    TEST_CARD,
    UNIT,
    a_broker_with_a_login,
    assert_a_broken_upgrade_is_taken_back,
    assert_an_upgrade_and_the_way_back_work,
    assert_doctor_finds_all_well,
    configure,
    doctor,
    install,
    next_event,
    purge,
    signal_and_wait_for_another_process,
    start_broker,
)
from tests.pi.snapshot import files, left_behind
from tests.pi.walls import assert_the_walls_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRIXIE = Rootfs("trixie", ("amd64",), PACKAGES, variant="minbase")


@pytest.fixture(scope="module")
def system() -> Iterator[Container]:
    need_root()
    need("mmdebstrap")
    need("systemd-nspawn")
    archive, tarball = release(platform("debian13-amd64")), TRIXIE.tarball()
    with scratch() as work:
        newer = variant(archive, work / "newer", NEWER_VERSION)
        broken = variant(archive, work / "broken", BROKEN_VERSION, broken=True)
        root = unpack(tarball, work / "root")
        folders = {archive: RELEASE, newer: NEWER, broken: BROKEN}
        # The device is named after the machine, so that everything that it ever publishes has one name.
        (root / "etc/hostname").write_text("lab\n", encoding="utf-8")
        with Container(root, folders) as container:
            start_broker(container)
            yield container


@pytest.fixture(scope="module")
def files_before(system: Container) -> dict[str, str]:
    return files(system.root)


@pytest.fixture(scope="module")
def installed(system: Container, files_before: dict[str, str], say: Callable[[str], None]) -> Container:
    assert files_before
    began_s = time.monotonic()
    install(system)
    say(f"systemd: installed in {time.monotonic() - began_s:.0f} s, without a network")
    return system


@pytest.fixture
def running(installed: Container) -> Container:
    """The service, watching the test card."""
    configure(installed, TEST_CARD)
    installed.wait(UNIT, "ActiveState", "active")
    return installed


def test_it_is_ready_and_its_events_arrive(running: Container) -> None:
    event = next_event(running)
    assert (event["device"], event["synthetic"]) == ("lab", True)
    assert running.show(UNIT, "User") == "emotion-edge"


def test_killed_it_comes_back(running: Container) -> None:
    signal_and_wait_for_another_process(running, "KILL")
    assert next_event(running)


def test_stopped_it_is_killed_by_the_watchdog_and_comes_back(running: Container) -> None:
    assert next_event(running)
    signal_and_wait_for_another_process(running, "STOP")
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
    began = system.out("date", "+%s")
    with a_broker_with_a_login(system):
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


def test_doctor_checks_as_the_services_user(installed: Container, system: Container) -> None:
    password, store = system.root / "etc/emotion-edge/password", system.root / "etc/credstore"
    had_store = store.exists()
    with a_broker_with_a_login(system):
        password.write_text("right\n", "utf-8")
        password.chmod(0o600)
        url = '"mqtt://lab@127.0.0.1"\npassword_file = "{}"'
        configure(installed, TEST_CARD.replace('"mqtt://127.0.0.1"', url.format("/etc/emotion-edge/password")))
        found = doctor(system)["files"]
        assert found["status"] == "broken"
        assert "it belongs to root (mode 0600), and the service's user emotion-edge cannot read" in found["found"]
        system.run("sh", "-c", found["fix"].replace("sudo ", ""))  # what it says is what helps
        credential = "/run/credentials/emotion-edge.service/mqtt-password"
        assert credential in found["fix"]
        configure(installed, TEST_CARD.replace('"mqtt://127.0.0.1"', url.format(credential)))
        installed.wait(UNIT, "ActiveState", "active")
        assert_doctor_finds_all_well(system, "active")
        system.run("systemctl", "stop", UNIT)
        assert_doctor_finds_all_well(system, "inactive")
        (store / "emotion-edge.mqtt-password").write_text("wrong\n", "utf-8")
        assert "it refuses the login" in doctor(system)["broker"]["found"]
        (store / "emotion-edge.mqtt-password").unlink()
        assert "which is missing" in doctor(system)["files"]["found"]
    password.unlink(missing_ok=True)
    if not had_store:
        store.rmdir()


def test_without_a_camera_the_log_stays_short(installed: Container, say: Callable[[str], None]) -> None:
    began = installed.out("date", "+%s")
    configure(installed, TEST_CARD.replace("testcard", "auto"))
    time.sleep(60)
    lines = installed.journal(UNIT, "--since", f"@{began}")
    say(f"systemd: without a camera the journal has {len(lines)} lines after the first minute")
    assert any("camera" in line for line in lines)
    assert len(lines) <= 15, "\n".join(lines)


def test_what_it_must_not_do_is_refused(running: Container, system: Container) -> None:
    assert_the_walls_hold(system)
    assert running.show(UNIT, "ActiveState") == "active"


HOOKED = f"""{TEST_CARD}
[health]
every_s = 5

[preview]
enabled = true

[[hooks]]
on = "appeared"
command = ["/bin/sh", "-c", "cat > /var/lib/emotion-edge/hook.json"]

[[hooks]]
on = "appeared"
command = ["/bin/sh", "-c", "cat > /etc/hook.json"]
"""


def test_hooks_run_within_the_walls_and_the_preview_opens(installed: Container, system: Container) -> None:
    configure(installed, HOOKED)
    installed.wait(UNIT, "ActiveState", "active")
    page = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8090/').read().decode())"
    written, forbidden = system.root / "var/lib/emotion-edge/hook.json", system.root / "etc/hook.json"
    wait_until(lambda: system.run("python3", "-c", page, check=False).returncode == 0)
    assert "<title>" in system.out("python3", "-c", page)
    wait_until(lambda: written.is_file() and '"type":"appeared"' in written.read_text("utf-8"))
    health = ("mosquitto_sub", "-t", "emotion-edge/lab/health", "-C", "1", "-W", "60")
    wait_until(lambda: json.loads(system.out(*health))["hooks"]["failed"] > 0)
    assert not forbidden.exists()


def test_an_upgrade_keeps_the_configuration_and_a_downgrade_goes_back(running: Container) -> None:
    assert_an_upgrade_and_the_way_back_work(running)


def test_an_upgrade_that_does_not_become_ready_goes_back_by_itself(
    running: Container, say: Callable[[str], None]
) -> None:
    began_s = time.monotonic()
    assert_a_broken_upgrade_is_taken_back(running)
    say(f"systemd: an event {time.monotonic() - began_s:.0f} s after a broken upgrade began, which was taken back")


def test_purged_it_leaves_logs_alone(installed: Container, system: Container, files_before: dict[str, str]) -> None:
    configure(installed, TEST_CARD)
    installed.wait(UNIT, "ActiveState", "active")
    assert next_event(installed)
    purge(system)
    assert not left_behind(files_before, files(system.root))
