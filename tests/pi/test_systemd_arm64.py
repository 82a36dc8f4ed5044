"""The service under systemd on 64-bit Arm, as on a Pi with Bookworm: a whole machine is emulated, and it boots.

The kernel is Debian's for Arm, so that the unit's filters of system calls and its credentials are real. Its limits of
time alone are lengthened. How long anything takes here says nothing of a Pi.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pi.hardware import ARM
from tests.pi.image import with_the_release
from tests.pi.ports import SHELL
from tests.pi.service import (
    CONFIG,
    TEST_CARD,
    UNIT,
    assert_doctor_finds_all_well,
    install,
    next_event,
    signal_and_wait_for_another_process,
    start_broker,
)
from tests.pi.vm import Machine, machine
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
    with machine(files, with_the_release, hardware=ARM, processors=2, network=False) as made, made.on():
        began_s = time.monotonic()
        made.run("systemctl", "is-system-running", "--wait", check=False)
        start_broker(made)
        say(f"systemd_arm64: emulated, it booted in {time.monotonic() - began_s:.0f} s")
        yield made


def test_one_command_from_the_archive_to_the_first_event(pi: Machine, say: Callable[[str], None]) -> None:
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


def test_what_it_must_not_do_is_refused(pi: Machine) -> None:
    assert_the_walls_hold(pi)
    assert pi.show(UNIT, "ActiveState") == "active"
