"""Power cuts of the disk that the daemon's state is on: what it has not written through is gone, again and again.

A cut is a copy of the disk's blocks as they are at a random moment, on which the next life begins. The file system's
unwritten pages and its unfinished journal are lost with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.broker import Mosquitto, wait_until
from tests.mounts import ext4_image, mounted
from tests.pi.cache import scratch
from tests.pi.cuts import assert_nothing_torn, cut_often
from tests.pi.lives import Line, Span
from tests.pi.prerequisites import need, need_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOPIC = "emotion-edge/test"
COMMAND = Path(sys.executable).parent / "emotion-edge"


@dataclass
class Device:
    """A daemon whose state is on a disk of its own."""

    work: Path
    image: Path
    broker: Mosquitto
    lines: list[Line] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Switch it on; at the end of the block its power is cut."""
        disk = self.work / "disk"
        with mounted(self.image, disk):
            environment = os.environ | {
                "STATE_DIRECTORY": str(disk / "state"),
                "RUNTIME_DIRECTORY": str(self.work / "run"),
            }
            command: list[str | Path] = [
                COMMAND,
                "run",
                "--config",
                self.work / "config.toml",
                "--camera",
                "testcard",
                "--print",
            ]
            begun_s = time.monotonic()
            with (self.work / "log").open("ab") as log:
                daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
            reader = threading.Thread(target=self._read, args=(daemon,), daemon=True)
            reader.start()
            try:
                yield
            finally:
                daemon.send_signal(signal.SIGSTOP)
                ended_s = time.monotonic()
                after = self._blocks()
                daemon.kill()
                daemon.wait(10)
                reader.join(10)
                assert daemon.stdout
                daemon.stdout.close()
            self.spans.append(Span(begun_s, ended_s))
        disk.rmdir()
        self.image = after

    def wait_for_an_event(self) -> None:
        """Wait for the next one."""
        before = len(self.lines)
        wait_until(lambda: len(self.lines) > before)

    def _blocks(self) -> Path:
        """Return a copy of the disk's blocks at one moment: two copies in a row are alike."""
        older, newer = self.work / "older.img", self.work / f"disk{len(self.spans)}.img"
        for _ in range(100):
            shutil.copyfile(self.image, older)
            shutil.copyfile(self.image, newer)
            if older.read_bytes() == newer.read_bytes():
                older.unlink()
                return newer
        message = "the disk is never at rest"
        raise RuntimeError(message)

    def _read(self, daemon: subprocess.Popen[str]) -> None:
        assert daemon.stdout
        for line in daemon.stdout:
            self.lines.append(Line(time.monotonic(), line.rstrip("\n")))


@pytest.fixture
def device() -> Iterator[Device]:
    need_root()
    need("mke2fs", "mkfs.ext4")
    with scratch() as work:
        for name in ("broker", "run"):
            (work / name).mkdir()
        broker = Mosquitto(work / "broker", persistence=True)
        image = ext4_image(work / "disk.img")
        with mounted(image, work / "disk") as disk:
            (disk / "state").mkdir()
        (work / "disk").rmdir()
        text = f'[camera]\n[mqtt]\nurl = "{broker.url}"\ndevice = "test"\n'
        (work / "config.toml").write_text(text, encoding="utf-8")
        with broker:
            yield Device(work, image, broker)


def test_a_cut_takes_what_was_not_written_through(device: Device) -> None:
    with device.on():
        for name, through in (("kept", True), ("gone", False)):
            with (device.work / "disk/state" / name).open("w") as file:
                file.write("x" * 10_000)
                file.flush()
                if through:
                    os.fsync(file.fileno())
    with mounted(device.image, device.work / "disk") as disk:
        assert len((disk / "state/kept").read_text()) == 10_000
        gone = disk / "state/gone"
        assert not gone.exists() or not gone.read_text()
    (device.work / "disk").rmdir()


def test_power_cuts(device: Device, say: Callable[[str], None], keep: Callable[[str, Any], None]) -> None:
    found = cut_often(device, device.broker, TOPIC, patience_s=60, say=lambda line: say(f"power: {line}"))
    keep("power", found)
    log = (device.work / "log").read_text(encoding="utf-8")
    assert not [line for line in log.splitlines() if "damaged" in line or "Traceback" in line]
    assert "emotion" in log
    with mounted(device.image, device.work / "disk") as disk:
        assert_nothing_torn(disk)
    (device.work / "disk").rmdir()
