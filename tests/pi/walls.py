"""What the service must not do, tried within its unit's directives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pi.service import UNIT, USER

if TYPE_CHECKING:
    from tests.pi.system import System

_PROBE = Path(__file__).parent / "probes/reach.py"
_PLACE, _HOME = "/usr/local/lib/reach.py", "/home/somebody"
_REACH = f"/usr/bin/python3 {_PLACE} {_HOME}"

# Without the folders of the service, which would be root's afterwards.
_AS_ROOT = "User=root\nGroup=root\nStateDirectory=\nRuntimeDirectory=\nConfigurationDirectory=\n"


def assert_the_walls_hold(system: System) -> None:
    """See that the probe can do nothing in the unit, neither as the service's user nor as root; leave nothing of it."""
    system.write(_PLACE, _PROBE.read_text(encoding="utf-8"))
    system.run("mkdir", _HOME)
    free = json.loads(system.out("python3", _PLACE, _HOME))
    able = {name for name, outcome in free.items() if outcome == "done"}
    # As root without the unit's walls the probe can do nearly all, so that it would notice a wall that is missing.
    assert able >= {"write into /usr", "write into /etc", "read another's home", "open a raw socket"}, free
    walled = _inside_the_unit(system, _REACH)
    assert "done" not in walled.values(), walled
    walls_alone = _inside_the_unit(system, _REACH, _AS_ROOT)
    assert "done" not in walls_alone.values(), walls_alone
    assert system.out("stat", "--format=%U", "/var/lib/emotion-edge", "/run/emotion-edge").split() == [USER, USER]
    system.run("rm", "-r", _PLACE, _HOME, "/run/systemd/system/reach.service", "/run/systemd/system/reach.service.d")
    system.run("systemctl", "daemon-reload")


def _inside_the_unit(system: System, command: str, more: str = "") -> dict[str, str]:
    """Run the probe with every directive of the unit, but for what is run and how often; return what it wrote."""
    unit = system.run("systemctl", "cat", UNIT).stdout
    drop_in = (
        # Version 252 starts nothing of this type whose exit status may start it again.
        "[Service]\nType=oneshot\nRestart=no\nRestartForceExitStatus=\nWatchdogSec=0\n"
        f"ExecReload=\nExecStart=\nExecStart={command}\n{more}"
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
