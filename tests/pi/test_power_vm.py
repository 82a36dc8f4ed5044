"""Power cuts: a machine is switched off in the middle of its work, again and again, and nothing promised is lost.

The guest's unsynced writes die with it, as with a real cut. What a real SD card does with a write that it has
acknowledged, and with a sector that it is writing, is the card's: no emulation shows it.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.pi.cuts import assert_nothing_torn, cut_often
from tests.pi.ports import PORT
from tests.pi.prerequisites import need
from tests.pi.vm import BOOT_S, TOPIC, Machine, config, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.broker import Mosquitto

pytestmark = pytest.mark.timeout(4 * 3600)

PRINTS = f"""[Unit]
Wants=dev-virtio\\x2dports-lab.device
After=dev-virtio\\x2dports-lab.device
[Service]
ExecStart=
ExecStart=/bin/sh -c 'exec $(sed -n "s/^ExecStart=//p" /etc/systemd/system/emotion-edge.service | head -n 1) --print'
StandardOutput=file:{PORT}
DeviceAllow=char-virtio-portsdev rw
"""
"""Events leave the machine the moment they are made, beside the way that is tested."""


@pytest.fixture(scope="module")
def printing(broker: Mosquitto) -> Iterator[Machine]:
    """A machine that watches the test card and prints its events."""
    need("e2fsck")  # which is used at the end
    drop_in = {"etc/systemd/system/emotion-edge.service.d/lab.conf": PRINTS}
    with machine(config(broker.port, "testcard") | drop_in) as made:
        yield made


def test_power_cuts(
    printing: Machine, broker: Mosquitto, tmp_path: Path, say: Callable[[str], None], keep: Callable[[str, Any], None]
) -> None:
    found = cut_often(printing, broker, TOPIC, patience_s=BOOT_S, say=lambda line: say(f"power_vm: {line}"))
    keep("power_vm", found)
    assert_nothing_torn(files_of(printing.image.folder / "disk.raw", tmp_path / "disk"))


def files_of(disk: Path, folder: Path) -> Path:
    """Check a disk's file system as the next boot would, and copy the service's files from it."""
    checked = subprocess.run([need("e2fsck"), "-fy", disk], capture_output=True, text=True, check=False)
    assert checked.returncode in {0, 1}, checked.stdout  # 1: its journal was played back
    folder.mkdir()
    copy = 'mount -o loop,ro "$0" /mnt && cp -a /mnt/var/lib/emotion-edge /mnt/etc/emotion-edge "$1"'
    subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", copy, disk, folder], check=True)
    return folder
