"""The installed service in a container, with a mosquitto beside it."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pi.container import Container

UNIT = "emotion-edge.service"
CONFIG = "/etc/emotion-edge/config.toml"
RELEASE = "/release"
"""Where a container sees the unpacked archive."""

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


def start_broker(container: Container) -> None:
    """Start mosquitto and wait until it runs."""
    container.run("systemctl", "start", "mosquitto")
    container.wait("mosquitto", "ActiveState", "active")


def install(container: Container) -> float:
    """Install the release, see that it says in one screen that it runs, and return how many seconds that took."""
    began_s = time.monotonic()
    done = container.run(f"{RELEASE}/install.sh", "--broker", "mqtt://127.0.0.1", check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n" + "\n".join(container.journal(UNIT)[-20:])
    took_s = time.monotonic() - began_s
    _, ended, how = done.stdout.partition("is installed and runs")
    assert ended, done.stdout
    assert len(how.splitlines()) <= LINES, how
    assert max(map(len, how.splitlines())) <= COLUMNS, how
    return took_s


def configure(container: Container, text: str) -> None:
    """Write the configuration and restart the service."""
    (container.root / CONFIG[1:]).write_text(text, encoding="utf-8")
    container.run("systemctl", "reset-failed", UNIT, check=False)
    container.run("systemctl", "restart", "--no-block", UNIT)


def next_event(container: Container, timeout_s: int = 60) -> dict[str, object]:
    """Return the next event that arrives at the broker."""
    subscribe = ("mosquitto_sub", "-t", "emotion-edge/lab/event", "-C", "1", "-W", str(timeout_s))
    event: dict[str, object] = json.loads(container.run(*subscribe).stdout)
    return event


def signal_and_wait_for_another_process(container: Container, signal: str, timeout_s: float = 120) -> None:
    """Send a signal to the daemon, and wait until another process is ready."""
    before = container.show(UNIT, "MainPID")
    container.run("kill", f"-{signal}", before)
    until = time.monotonic() + timeout_s
    while container.show(UNIT, "MainPID") in {before, "0"} or container.show(UNIT, "ActiveState") != "active":
        assert time.monotonic() < until, container.journal(UNIT)[-20:]
        time.sleep(0.3)


def inside_the_unit(container: Container, command: str, more: str = "") -> dict[str, str]:
    """Run the probe with every directive of the unit, but for what is run and how often; return what it wrote."""
    unit = container.run("systemctl", "cat", UNIT).stdout
    drop_in = (
        f"[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nExecReload=\nExecStart=\nExecStart={command}\n{more}"
    )
    script = (
        "cd /run/systemd/system && mkdir -p reach.service.d\n"
        f"cat > reach.service <<'END'\n{unit}\nEND\n"
        f"cat > reach.service.d/lab.conf <<'END'\n{drop_in}END\n"
        "systemctl daemon-reload && systemctl start reach"
    )
    container.run("sh", "-c", script)
    lines = [line for line in container.journal("reach") if line.startswith("{")]
    found: dict[str, str] = json.loads(lines[-1])
    return found


def purge(container: Container) -> None:
    """Remove everything, and see that the broker has nothing of the device, and the system no user of it."""
    container.run("env", "PURGE=1", f"{RELEASE}/uninstall.sh")
    kept = container.out("mosquitto_sub", "-t", "emotion-edge/#", "-t", "homeassistant/#", "-W", "3", "-F", "%t %p")
    assert kept == ""
    assert container.run("id", "emotion-edge", check=False).returncode != 0


def version(container: Container) -> str:
    """Return the installed version."""
    return (container.root / "opt/emotion-edge/current").readlink().name


def doctor(container: Container) -> dict[str, dict[str, str]]:
    """Return what doctor finds, as root who installed the service, by check."""
    said = container.run("emotion-edge", "doctor", "--json", check=False)
    assert not said.stderr, said.stderr
    return {each["name"]: each for each in json.loads(said.stdout)}


@contextlib.contextmanager
def a_broker_with_a_login(container: Container) -> Iterator[None]:
    """Let mosquitto take the user ``lab`` with the password ``right`` alone, until the end of the block."""
    listener, passwords = "/etc/mosquitto/conf.d/lab.conf", "/etc/mosquitto/passwords"
    text = f"allow_anonymous false\npassword_file {passwords}\nlistener 1883 127.0.0.1\n"
    (container.root / listener[1:]).write_text(text, "utf-8")
    container.run("mosquitto_passwd", "-b", "-c", passwords, "lab", "right")
    container.run("chown", "mosquitto", passwords)
    container.run("systemctl", "restart", "mosquitto")
    try:
        yield
    finally:
        container.run("rm", listener, passwords)
        container.run("systemctl", "restart", "mosquitto")
