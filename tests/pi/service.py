"""The installed service in a system that systemd has booted, with a mosquitto beside it."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pi.system import System

UNIT = "emotion-edge.service"
USER = "emotion-edge"
CONFIG = "/etc/emotion-edge/config.toml"
RELEASE, NEWER, BROKEN = "/release", "/newer", "/broken"
"""Where a system sees the unpacked archive, and two of later versions, of which one's daemon ends at once."""

NEWER_VERSION, BROKEN_VERSION = "99.1", "99.2"

LINES, COLUMNS = 24, 80
"""Of a terminal, which what the installer says at its end fits into."""

PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "mosquitto", "mosquitto-clients", "make"),
    *("procps", "kmod"),
)

_LIMITS = "[Service]\nTimeoutStartSec=900\nWatchdogSec=600\n"
PATIENT = {"usr/local/lib/systemd/system/emotion-edge.service.d/patient.conf": _LIMITS}
"""A file for a system that is emulated on a busy host: there a start takes minutes. The rung ``systemd`` has the unit's
own limits."""

TEST_CARD = """
[camera]
source = "testcard"

[mqtt]
url = "mqtt://127.0.0.1"
device = "lab"
"""


def start_broker(system: System) -> None:
    """Start mosquitto and wait until it runs."""
    system.run("systemctl", "start", "mosquitto")
    system.wait("mosquitto", "ActiveState", "active")


def install(system: System) -> str:
    """Install the release, see that it says in one screen that it runs, and return what it says of that."""
    done = system.run(f"{RELEASE}/install.sh", "--broker", "mqtt://127.0.0.1", check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n" + "\n".join(system.journal(UNIT)[-20:])
    _, ended, how = done.stdout.partition("is installed and runs")
    assert ended, done.stdout
    assert len(how.splitlines()) <= LINES, how
    assert max(map(len, how.splitlines())) <= COLUMNS, how
    return how


def configure(system: System, text: str) -> None:
    """Write the configuration and restart the service."""
    system.write(CONFIG, text)
    system.run("systemctl", "reset-failed", UNIT, check=False)
    system.run("systemctl", "restart", "--no-block", UNIT)


def next_event(system: System) -> dict[str, object]:
    """Return the next event that arrives at the broker."""
    subscribe = ("mosquitto_sub", "-t", "emotion-edge/lab/event", "-C", "1", "-W", f"{system.patience_s:.0f}")
    event: dict[str, object] = json.loads(system.run(*subscribe).stdout)
    return event


def signal_and_wait_for_another_process(system: System, signal: str) -> None:
    """Send a signal to the daemon, and wait until another process is ready."""
    before = system.show(UNIT, "MainPID")
    system.run("kill", f"-{signal}", before)
    until = time.monotonic() + system.patience_s
    while system.show(UNIT, "MainPID") in {before, "0"} or system.show(UNIT, "ActiveState") != "active":
        assert time.monotonic() < until, system.journal(UNIT)[-20:]
        time.sleep(0.3)


def purge(system: System) -> None:
    """Remove everything, and see that the broker has nothing of the device, and the system no user of it."""
    system.run("env", "PURGE=1", f"{RELEASE}/uninstall.sh")
    always = "$SYS/broker/version"
    topics = [option for topic in ("emotion-edge/#", "homeassistant/#", always) for option in ("-t", topic)]
    # What the broker keeps comes in the order of the topics, so that the last one's comes first if there is no other.
    first = system.out("mosquitto_sub", *topics, "-C", "1", "-F", "%t %p", "-W", f"{system.patience_s:.0f}")
    assert first.startswith(always), first
    assert system.run("id", USER, check=False).returncode != 0


def version(system: System) -> str:
    """Return the installed version."""
    return system.out("readlink", "/opt/emotion-edge/current")


def assert_an_upgrade_and_the_way_back_work(system: System) -> None:
    """Install the newer version and go back, and see that the configuration stays and events arrive each time."""
    before, configuration = version(system), system.out("cat", CONFIG)
    system.run(f"{NEWER}/install.sh")
    assert version(system).startswith(f"{NEWER_VERSION}-")
    assert system.out("cat", CONFIG) == configuration
    assert next_event(system)
    system.run("/opt/emotion-edge/current/share/emotion-edge/install.sh", "--rollback")
    assert version(system) == before
    assert next_event(system)


def assert_a_broken_upgrade_is_taken_back(system: System) -> None:
    """Install the broken version, and see that the installer says why it is not kept and that events arrive."""
    before = version(system)
    done = system.run(f"{BROKEN}/install.sh", check=False)
    assert done.returncode != 0
    assert "broken on purpose" in done.stdout + done.stderr
    assert version(system) == before
    assert next_event(system)


def doctor(system: System) -> dict[str, dict[str, str]]:
    """Return what doctor finds, as root who installed the service, by check."""
    said = system.run("emotion-edge", "doctor", "--json", check=False)
    assert not said.stderr, said.stderr
    return {each["name"]: each for each in json.loads(said.stdout)}


def assert_doctor_finds_all_well(system: System, state: str) -> None:
    """See that doctor logs in and changes nothing of a service that is active or inactive."""
    before = system.show(UNIT, "MainPID")
    found = doctor(system)
    assert {found[check]["status"] for check in ("configuration", "files", "model", "camera", "broker")} == {"ok"}
    assert "published below emotion-edge/lab/ and read back" in found["broker"]["found"]
    assert (system.show(UNIT, "ActiveState"), system.show(UNIT, "MainPID")) == (state, before)


@contextlib.contextmanager
def a_broker_with_a_login(system: System) -> Iterator[None]:
    """Let mosquitto take the user ``lab`` with the password ``right`` alone, until the end of the block."""
    listener, passwords = "/etc/mosquitto/conf.d/lab.conf", "/etc/mosquitto/passwords"
    text = f"allow_anonymous false\npassword_file {passwords}\nlistener 1883 127.0.0.1\n"
    system.write(listener, text)
    system.run("mosquitto_passwd", "-b", "-c", passwords, "lab", "right")
    system.run("chown", "mosquitto", passwords)
    system.run("systemctl", "restart", "mosquitto")
    try:
        yield
    finally:
        system.run("rm", listener, passwords)
        system.run("systemctl", "restart", "mosquitto")
