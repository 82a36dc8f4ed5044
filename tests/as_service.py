"""A machine on which the service is installed, as far as doctor sees it: its user, its unit, a credential store.

All of it is in a mount namespace of the test's own, and gone with its last process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mounts import can_mount

REPOSITORY = Path(__file__).parents[1]

FILES = Path("/srv")
"""Empty in the namespace, and open to everybody."""

_NEEDED = tuple(dict.fromkeys(str(Path(each).resolve()) for each in (REPOSITORY, sys.prefix, sys.base_prefix)))

_NOT_HERE = 77
"""Exit status where this machine does not let us prepare."""

_PREPARE = f"""
set -eu
trap 'exit {_NOT_HERE}' EXIT
hold=/mnt
mount -t tmpfs -o mode=755 none "$hold"
mkdir "$hold/etc" "$hold/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$hold/etc,workdir=$hold/work" none /etc # what is written there is gone too
echo 'emotion-edge:x:4711:4711::/nowhere:/usr/sbin/nologin' >>/etc/passwd
echo 'emotion-edge:x:4711:' >>/etc/group
mkdir -p /etc/systemd/system /etc/credstore
touch /etc/systemd/system/emotion-edge.service
count=0
for needed; do # where Python and the project are, and as root's they are closed to others
    count=$((count + 1))
    mkdir "$hold/$count"
    mount --bind "$needed" "$hold/$count"
done
for needed; do
    top=/$(echo "$needed" | cut -d / -f 2)
    case $(stat -c %A "$top") in *x) ;; *) mount -t tmpfs -o mode=755 none "$top" ;; esac
done
count=0
for needed; do
    count=$((count + 1))
    [ -e "$needed" ] && continue
    mkdir -p "$needed"
    mount --bind "$hold/$count" "$needed"
done
mount -t tmpfs -o mode=755 none /srv
trap - EXIT
"""


def run_installed(shell: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``emotion-edge ARGUMENT…`` as root on that machine, after a shell script that prepares what it finds.

    Both run in `FILES`. The test is skipped where there is no root, or no namespace.
    """
    if not can_mount():
        pytest.skip("checking as another user needs root, and the right to mount")
    code = "from edge.cli.main import main; main()"
    command = " ".join(f"'{each}'" for each in (sys.executable, "-c", code, *arguments))
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "EMOTION_EDGE_CAMERA__SOURCE": "testcard"}
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{_PREPARE}\ncd {FILES}\n{shell}\nexec {command}", "sh", *_NEEDED],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == _NOT_HERE:
        pytest.skip(f"this machine has no mount namespaces or no overlays: {ran.stderr.strip()}")
    return ran


def findings(ran: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    """Return what ``doctor --json`` found, by check."""
    assert not ran.stderr, ran.stderr
    return {one["name"]: one for one in json.loads(ran.stdout)}
