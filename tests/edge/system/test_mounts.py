from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.system.mounts import is_forgotten_at_boot
from tests.mounts import can_mount

STATE = Path("/var/lib/emotion-edge")

PARTITION = "36 25 8:1 / /var/lib/emotion-edge rw,noatime shared:9 - ext4 /dev/sda1 rw\n"

OVERLAYROOT = """\
22 25 0:20 / /media/root-ro ro,relatime shared:1 - ext4 /dev/mmcblk0p2 ro
23 25 0:21 / /media/root-rw rw,relatime shared:2 - tmpfs tmpfs-root rw
25 1 0:22 / / rw,relatime shared:3 - overlay overlayroot \
rw,lowerdir=/media/root-ro,upperdir=/media/root-rw/overlay,workdir=/media/root-rw/overlay-workdir
27 25 0:23 / /run rw,nosuid - tmpfs tmpfs rw
"""
"""Of Raspberry Pi OS with the overlay of raspi-config."""

DOCKER = """\
25 1 0:22 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/l/A,upperdir=/var/lib/docker/overlay2/x/diff
"""

PLAIN = "25 1 8:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw\n"


@pytest.mark.parametrize("table", [OVERLAYROOT, OVERLAYROOT.replace("root-rw", "root\\040rw")])
def test_what_an_overlay_keeps_in_memory_is_forgotten(tmp_path: Path, table: str) -> None:
    (tmp_path / "mountinfo").write_text(table)
    assert is_forgotten_at_boot(STATE, tmp_path / "mountinfo")


@pytest.mark.parametrize(
    "table",
    [
        OVERLAYROOT + PARTITION,
        OVERLAYROOT.replace("- tmpfs tmpfs-root", "- ext4 /dev/sda1"),  # an overlay that lasts
        OVERLAYROOT.replace("/media/root-rw rw", "/var/lib/emotion-edge rw"),  # a tmpfs that was chosen
        DOCKER,
        PLAIN,
        "",
    ],
)
def test_nothing_else_is(tmp_path: Path, table: str) -> None:
    (tmp_path / "mountinfo").write_text(table)
    assert not is_forgotten_at_boot(STATE, tmp_path / "mountinfo")


OVERLAY = """
mkdir lower memory over
mount -t tmpfs tmpfs memory && mkdir memory/upper memory/work
mount -t overlay overlay -o lowerdir=lower,upperdir=$PWD/memory/upper,workdir=$PWD/memory/work over
exec "$@"
"""


def test_a_real_overlay_is_noticed(tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("mounting needs root, and the right to")
    program = f"from edge.system.mounts import *; print(is_forgotten_at_boot(Path({str(tmp_path)!r}) / 'over/state'))"
    command = ["unshare", "--mount", "sh", "-eu", "-c", OVERLAY, "sh", sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.stderr.startswith("mount:"):
        pytest.skip(f"this machine mounts no overlay: {done.stderr}")
    assert done.stdout == "True\n", done.stderr


def test_this_machines_table_can_be_read(tmp_path: Path) -> None:
    assert not is_forgotten_at_boot(tmp_path)
    assert not is_forgotten_at_boot(tmp_path, tmp_path / "absent")
