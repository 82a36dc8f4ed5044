"""Power cuts: a machine is switched off in the middle of its work, again and again, and nothing promised is lost.

The guest's unsynced writes die with it, as with a real cut. What a real SD card does with a write that it has
acknowledged, and with a sector that it is writing, is the card's: no emulation shows it.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.broker import Mosquitto, Subscriber, wait_until
from tests.pi.cache import scratch
from tests.pi.lives import Span, Witness, judged
from tests.pi.prerequisites import need, need_root
from tests.pi.vm import HOST, PORT, Image, Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(3 * 3600)

CUTS = int(os.environ.get("CUTS", "10"))
"""A boot takes a minute on an emulated processor; `test_power` cuts more often."""
OFF_EVERY = 10
"""Of so many cuts one is of a device that was just switched off, and the next while it is off."""

IN_BOOT, FLOW_S = 0.2, 12.0
"""The share of cuts while it boots; the others come within so many seconds after the first event."""

TOPIC = "emotion-edge/lab"

BOOT_S = 300.0
"""Longer than any boot without hardware virtualisation."""

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
def broker() -> Iterator[Mosquitto]:
    with scratch() as work, Mosquitto(work, persistence=True) as it:
        yield it


@pytest.fixture(scope="module")
def machine(broker: Mosquitto) -> Iterator[Machine]:
    need_root()
    need("mmdebstrap")
    need("qemu-system-x86_64")
    config = f'[camera]\nsource = "testcard"\n[mqtt]\nurl = "mqtt://{HOST}:{broker.port}"\ndevice = "lab"\n'
    with scratch() as work:
        image = Image.make(
            work,
            {
                "etc/emotion-edge/config.toml": config,
                "etc/systemd/system/emotion-edge.service.d/lab.conf": PRINTS,
            },
        )
        machine = Machine(image)
        yield machine
        with contextlib.suppress(AttributeError):  # it never started
            machine.cut()


def test_power_cuts(
    machine: Machine, broker: Mosquitto, tmp_path: Path, say: Callable[[str], None], keep: Callable[[str, Any], None]
) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 32)
    say(f"power_vm: SEED={seed} repeats these cuts")
    dice = random.Random(seed)  # noqa: S311  # no secret
    began_s = time.monotonic()
    spans = []
    # Before the first boot: an event that the broker had from a device is not kept for who subscribes later.
    with contextlib.closing(Subscriber(broker.port, "lab")) as subscriber:
        machine.start()
        boot_s = machine.wait_for('"sequence":0', BOOT_S).at_s - machine.started_s
        witness = Witness(subscriber, TOPIC, BOOT_S)
        for number in range(CUTS):
            if number:
                machine.start()
            if number % OFF_EVERY == OFF_EVERY - 2:
                witness.wait_for_a_new_session()
                witness.tell("OFF")
            elif number % OFF_EVERY == OFF_EVERY - 1:
                is_still_off(machine, witness)
                witness.tell("ON")
            else:
                if dice.random() < 0.5:
                    broker.stop()
                if dice.random() < IN_BOOT:
                    time.sleep(dice.uniform(0.2, 1.0) * boot_s)
                else:
                    machine.wait_for('"type"', BOOT_S)
                    time.sleep(dice.uniform(0.0, FLOW_S))
            spans.append(Span(machine.started_s, machine.cut()))
            broker.restart()
        machine.start()
        machine.wait_for('"type":"appeared"', BOOT_S)
        spans.append(Span(machine.started_s, float("inf")))
        wait_until(lambda: not judged(spans, machine.lines, witness.events()).lost, 60)
        machine.cut()
        verdict = judged(spans, machine.lines, witness.events())
    minutes = (time.monotonic() - began_s) / 60
    say(
        f"power_vm: {CUTS} cuts in {minutes:.0f} min, first event {boot_s:.0f} s after switching on; "
        f"{verdict.made} events made, {verdict.arrived} arrived, {verdict.duplicates} twice, {len(verdict.lost)} lost "
        f"that were older than a second, {verdict.lost_young} younger"
    )
    keep("power_vm", {"cuts": CUTS, "minutes": minutes, "seed": seed, "boot_s": boot_s} | vars(verdict))
    assert verdict.holds, verdict
    assert_nothing_torn(machine, tmp_path)


def is_still_off(machine: Machine, witness: Witness) -> None:
    """See that the boot finds it off, and that no face is seen."""
    before = len(witness.states())
    witness.wait_for_a_new_session()
    time.sleep(5)  # long enough for the test card's face to appear
    assert set(witness.states()[before:]) == {"OFF"}
    assert not [line for line in machine.lines if line.at_s > machine.started_s and '"type"' in line.text]


def assert_nothing_torn(machine: Machine, folder: Path) -> None:
    """Look at the disk as the next boot would: its file system, the files' names and the outbox."""
    disk, out = machine.image.folder / "disk.raw", folder / "disk"
    checked = subprocess.run([need("e2fsck"), "-fy", disk], capture_output=True, text=True, check=False)
    assert checked.returncode in {0, 1}, checked.stdout  # 1: its journal was played back
    copy = 'mount -o loop,ro "$0" /mnt && cp -a /mnt/var/lib/emotion-edge /mnt/etc/emotion-edge "$1"'
    out.mkdir()
    subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", copy, disk, out], check=True)
    names = sorted(path.name for path in out.rglob("*") if path.is_file())
    assert not [name for name in names if "damaged" in name or name.endswith((".tmp", ".new"))], names
    (outbox,) = out.rglob("outbox.sqlite")
    with contextlib.closing(sqlite3.connect(outbox)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
