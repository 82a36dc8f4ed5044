"""The service under systemd on 64-bit Arm, as on a Pi with Bookworm: a whole machine is emulated, and it boots.

The kernel is Debian's for Arm, so that the unit's filters of system calls and its credentials are real. Its limits of
time alone are lengthened. How long anything takes here says nothing of a Pi.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.broker import wait_until
from tests.pi.cuts import IDLE_S, assert_nothing_torn
from tests.pi.hardware import ARM
from tests.pi.image import with_the_releases
from tests.pi.lives import Span, judged
from tests.pi.ports import SHELL
from tests.pi.service import (
    CONFIG,
    TEST_CARD,
    UNIT,
    assert_an_upgrade_and_the_way_back_work,
    assert_doctor_finds_all_well,
    install,
    next_event,
    purge,
    signal_and_wait_for_another_process,
    start_broker,
)
from tests.pi.snapshot import files_within, left_behind
from tests.pi.vm import BOOT_S, PRINTS, TOPIC, Machine, machine
from tests.pi.walls import assert_the_walls_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def pi(say: Callable[[str], None]) -> Iterator[Machine]:
    """A machine that has booted, without a network, with a broker and the release's archive."""
    files = {
        **SHELL,
        "etc/hostname": "lab\n",
        "etc/hosts": "127.0.0.1 localhost lab\n",
    }
    with machine(files, with_the_releases, hardware=ARM, processors=2, network=False) as made, made.on():
        began_s = time.monotonic()
        made.run("systemctl", "is-system-running", "--wait", check=False)
        start_broker(made)
        say(f"systemd_arm64: emulated, it booted in {time.monotonic() - began_s:.0f} s")
        yield made


@pytest.fixture(scope="module")
def files_before(pi: Machine) -> dict[str, str]:
    return files_within(pi)


def test_one_command_from_the_archive_to_the_first_event(
    pi: Machine, files_before: dict[str, str], say: Callable[[str], None]
) -> None:
    assert files_before
    assert pi.out("uname", "-m") == "aarch64"
    pi.run("mkdir", str(Path(CONFIG).parent))
    pi.write(CONFIG, TEST_CARD)
    began_s = time.monotonic()
    said = install(pi)
    say(f"systemd_arm64: emulated, installed in {time.monotonic() - began_s:.0f} s")
    assert f"{UNIT}: active, watching testcard" in said
    event = next_event(pi)
    say(f"systemd_arm64: emulated, first event {time.monotonic() - began_s:.0f} s after the installation began")
    assert (event["device"], event["synthetic"]) == ("lab", True)
    assert pi.show(UNIT, "User") == "emotion-edge"


def test_killed_it_comes_back(pi: Machine, say: Callable[[str], None]) -> None:
    began_s = time.monotonic()
    signal_and_wait_for_another_process(pi, "KILL")
    assert next_event(pi)
    say(f"systemd_arm64: emulated, an event {time.monotonic() - began_s:.0f} s after SIGKILL")


def test_doctor_finds_all_well(pi: Machine) -> None:
    assert_doctor_finds_all_well(pi, "active")


def test_an_upgrade_keeps_the_configuration_and_a_downgrade_goes_back(pi: Machine) -> None:
    assert_an_upgrade_and_the_way_back_work(pi)


def test_what_it_must_not_do_is_refused(pi: Machine) -> None:
    assert_the_walls_hold(pi)
    assert pi.show(UNIT, "ActiveState") == "active"


SUBSCRIBE = ("mosquitto_sub", "--id", "witness", "--disable-clean-session", "--qos", "1", "--topic", f"{TOPIC}/event")
"""The broker keeps events for this subscriber while it is away, and over its own restart."""


def test_its_power_is_cut_while_the_broker_is_away(pi: Machine, tmp_path: Path, say: Callable[[str], None]) -> None:
    pi.run(*SUBSCRIBE, "-E")
    for path, text in PRINTS.items():
        pi.run("mkdir", "--parents", str(Path("/", path).parent))
        pi.write(f"/{path}", text)
    pi.run("systemctl", "daemon-reload")
    pi.run("systemctl", "restart", UNIT)
    pi.wait_for_an_event()
    pi.run("systemctl", "stop", "mosquitto")
    pi.run("sync")  # what the broker keeps is not what is tried
    before = len(pi.lines)
    wait_until(lambda: len(pi.lines) > before + 1, BOOT_S)
    pi.cut()
    assert_nothing_torn(pi.files_on_the_disk(tmp_path / "disk"))
    pi.start()
    pi.wait_for_an_event()
    say(f"systemd_arm64: emulated, an event {time.monotonic() - pi.started_s:.0f} s after it was switched on again")
    spans, lines = [*pi.spans, Span(pi.started_s, float("inf"))], list(pi.lines)
    arrived: list[str] = []

    def all_arrived() -> bool:
        said = pi.out(*SUBSCRIBE, "-W", "5").splitlines()
        arrived.extend(line for line in said if line.startswith("{"))  # and not that its time is over
        return not judged(spans, lines, arrived).lost

    wait_until(all_arrived, BOOT_S)
    found = judged(spans, lines, arrived)
    assert found.holds, found
    say(f"systemd_arm64: a power cut: {found.made} events made, {found.arrived} arrived, {found.lost_young} lost young")


def retained(pi: Machine, topic: str) -> str:
    """Return what the broker keeps of a topic of the device."""
    return pi.out("mosquitto_sub", "--topic", f"{TOPIC}/{topic}", "-C", "1", "-W", f"{pi.patience_s:.0f}")


def test_off_stays_off_over_a_power_cut(pi: Machine) -> None:
    switch = ("mosquitto_pub", "--qos", "1", "--topic", f"{TOPIC}/detection/set", "--message")
    pi.run(*switch, "OFF")
    wait_until(lambda: retained(pi, "detection/state") == "OFF", BOOT_S)
    before = json.loads(retained(pi, "info"))["session"]
    pi.cut()
    pi.start()
    start_broker(pi)

    def is_off_in_a_new_session() -> bool:
        camera: dict[str, str] = json.loads(retained(pi, "camera"))
        return camera["session"] != before and camera["status"] == "off"

    wait_until(is_off_in_a_new_session, BOOT_S)
    assert retained(pi, "detection/state") == "OFF"
    time.sleep(IDLE_S)
    assert not [line.text for line in pi.lines if line.at_s > pi.started_s and '"type"' in line.text]
    pi.run(*switch, "ON")
    pi.wait_for_an_event()


def test_purged_it_leaves_logs_alone(pi: Machine, files_before: dict[str, str], say: Callable[[str], None]) -> None:
    began_s = time.monotonic()
    purge(pi)
    say(f"systemd_arm64: emulated, purged in {time.monotonic() - began_s:.0f} s")
    assert not left_behind(files_before, files_within(pi))
