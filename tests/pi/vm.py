"""A virtual machine with the service installed: a kernel and a disk of its own, so that its power can be cut."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.pi import ports
from tests.pi.cache import scratch
from tests.pi.hardware import PC
from tests.pi.image import Image, with_the_service
from tests.pi.lives import Line, Span
from tests.pi.prerequisites import need, need_root
from tests.pi.service import PATIENT
from tests.pi.system import System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from tests.pi.hardware import Hardware

_LESS = " ".join(
    [
        *(f"systemd.mask={unit}.service" for unit in ("systemd-logind", "getty@tty1")),
        *(
            "systemd.mask=systemd-timesyncd.service",
            "systemd.mask=apt-daily.timer",
            "systemd.mask=dpkg-db-backup.timer",
            "systemd.mask=e2scrub_reap.service",
        ),
        "systemd.condition_needs_update=no",  # or each boot that a cut interrupts builds udev's database
        *(
            "modprobe.blacklist=kvm_amd,kvm_intel,pcspkr,cfg80211",
            "mitigations=off",
            "apparmor=0",
            "audit=0",
            "selinux=0",
        ),
        *("cryptomgr.notests", "rcupdate.rcu_expedited=1", "random.trust_cpu=on"),
        "no_timer_check",  # which fails on a host that is busy with other work
    ]
)
"""What nobody needs here and an emulated processor takes seconds for."""

HOST = "10.0.2.2"
"""The host's loopback, as QEMU's user network shows it to the guest."""

DEVICE = "lab"
TOPIC = f"emotion-edge/{DEVICE}"

PRINTS = {
    "etc/systemd/system/emotion-edge.service.d/lab.conf": f"""[Unit]
Wants=dev-virtio\\x2dports-lab.device
After=dev-virtio\\x2dports-lab.device
[Service]
ExecStart=
ExecStart=/bin/sh -c 'exec $(sed -n "s/^ExecStart=//p" /etc/systemd/system/emotion-edge.service | head -n 1) --print'
StandardOutput=file:{ports.PORT}
DeviceAllow=char-virtio-portsdev rw
"""
}
"""A file with which events leave the machine the moment they are made, beside the way that is tested."""

BOOT_S = 3600.0
"""Longer than a boot or anything else takes on an emulated processor that is busy with other work."""


@contextlib.contextmanager
def machine(
    files: Mapping[str, str],
    build: Callable[[Hardware, Path], None] = with_the_service,
    *,
    hardware: Hardware = PC,
    processors: int = 1,
    network: bool = True,
) -> Iterator[Machine]:
    """Yield a machine with this checkout's service or its release, switched off; skip where none can run.

    Args:
        files: Files to write into it, by path.
        build: Brings the service into its system.
        hardware: What it is.
        processors: How many it has.
        network: Whether it has one, with this host in it.
    """
    need_root()
    need("mmdebstrap")
    need(hardware.emulator)
    with scratch() as work:
        made = Machine(Image.make(hardware, work, {**PATIENT, **files}, build), processors, network)
        try:
            yield made
        finally:
            made.cut()


def config(port: int, camera: str, more: str = "") -> dict[str, str]:
    """Return the service's configuration as a file by its path: a broker of this host, and a camera."""
    mqtt = f'[mqtt]\nurl = "mqtt://{HOST}:{port}"\ndevice = "{DEVICE}"\n'
    return {"etc/emotion-edge/config.toml": f'[camera]\nsource = "{camera}"\n{mqtt}{more}'}


@dataclass
class Machine(System):
    """A machine that boots from a disk which keeps what was written through to it, and nothing else."""

    image: Image
    processors: int = 1
    """Two of an emulator wait for each other where the host has no time for both."""

    network: bool = True
    patience_s: float = BOOT_S
    lines: list[Line] = field(default_factory=list)
    """What came through the port, of all its lives."""

    spans: list[Span] = field(default_factory=list)
    """Its lives that have ended."""

    _process: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Switch it on; at the end of the block its power is cut."""
        self.start()
        try:
            yield
        finally:
            self.cut()

    def start(self) -> Self:
        """Switch it on."""
        folder = self.image.folder
        hardware = self.image.hardware
        network = ("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net") if self.network else ()
        console = f"console={hardware.console} systemd.mask=serial-getty@{hardware.console}.service"
        port = folder / "port"
        for name in ("port", "shell"):
            (folder / name).unlink(missing_ok=True)
        with (folder / "console").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    need(hardware.emulator),
                    *hardware.options,
                    *("-accel", hardware.accelerator, "-m", "1024", "-smp", str(self.processors)),
                    *("-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"),
                    *("-kernel", folder / "kernel", "-initrd", folder / "initrd"),
                    *("-append", f"root=/dev/vda rw {console} quiet systemd.show_status=0 panic=-1 {_LESS}"),
                    *("-drive", f"file={folder / 'disk.raw'},if=virtio,format=raw,cache=writeback"),
                    *("-device", "virtio-serial-pci", "-chardev", f"socket,id=lab,path={port},server=on,wait=off"),
                    *("-device", "virtserialport,chardev=lab,name=lab"),
                    *("-chardev", f"socket,id=shell,path={folder / 'shell'},server=on,wait=off"),
                    *("-device", "virtserialport,chardev=shell,name=shell"),
                    *network,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.started_s = time.monotonic()
        self._reader = threading.Thread(target=self._read, args=(port,), daemon=True)
        self._reader.start()
        return self

    def cut(self) -> None:
        """Cut the power, if it is on: what the guest's kernel has not written to the disk is gone."""
        if self._process is None:
            return
        self._process.kill()
        self.spans.append(Span(self.started_s, time.monotonic()))
        self._process.wait(30)
        self._process = None
        self._reader.join(30)

    def wait_for_an_event(self) -> None:
        """Wait for one of this life."""
        self.wait_for('"type"', BOOT_S)

    def files_on_the_disk(self, folder: Path) -> Path:
        """Check the file system as the next boot would, while it is off; copy the service's files to a new folder."""
        assert self._process is None
        disk = self.image.folder / "disk.raw"
        checked = subprocess.run([need("e2fsck"), "-fy", disk], capture_output=True, text=True, check=False)
        assert checked.returncode in {0, 1}, checked.stdout  # 1: its journal was played back
        folder.mkdir()
        copy = 'mount -o loop,ro "$0" /mnt && cp -a /mnt/var/lib/emotion-edge /mnt/etc/emotion-edge "$1"'
        unshared = ("unshare", "--mount", "--propagation", "private")
        subprocess.run([*unshared, "sh", "-c", copy, disk, folder], check=True)
        return folder

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in it as root, where it has `ports.SHELL`, as soon as it has booted."""
        found, out = ports.ask(self.image.folder / "shell", shlex.join(command), self.patience_s)
        assert not (check and found), f"{shlex.join(command)}: {found}\n{out}"
        return subprocess.CompletedProcess(command, found, out, "")

    def shell(self, script: str) -> str:
        """Run a shell script in it as root, where it has `ports.SHELL`, and return what it wrote.

        Raises:
            AssertionError: It failed.
        """
        return self.run("sh", "-c", script).stdout

    def wait_for(self, text: str, timeout_s: float) -> Line:
        """Wait for a line of this life that contains a text.

        Raises:
            AssertionError: None came.
        """
        until = time.monotonic() + timeout_s
        while True:
            for line in list(self.lines):
                if line.at_s >= self.started_s and text in line.text:
                    return line
            ended = self._process is None or self._process.poll() is not None
            assert not ended, f"the machine ended:\n{self.console()[-3000:]}"
            assert time.monotonic() < until, f"'{text}' did not come:\n{self.console()[-3000:]}"
            time.sleep(0.05)

    def console(self) -> str:
        """Return what all lives wrote on the console."""
        return (self.image.folder / "console").read_text(encoding="utf-8", errors="replace")

    def _read(self, port: Path) -> None:
        for line in ports.lines(port):
            self.lines.append(Line(time.monotonic(), line))
