"""A virtual machine with the service installed: a kernel and a disk of its own, so that its power can be cut."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.pi.cache import scratch
from tests.pi.image import Image
from tests.pi.lives import Line, Span
from tests.pi.prerequisites import need, need_root
from tests.pi.service import PATIENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Self

ACCELERATOR = os.environ.get("LAB_ACCELERATOR", "tcg,thread=multi")
"""Emulation works everywhere; ``kvm`` is ten times as fast where the host has one that is whole."""

_LESS = " ".join(
    [
        *(f"systemd.mask={unit}.service" for unit in ("systemd-logind", "getty@tty1", "serial-getty@ttyS0")),
        *(
            "systemd.mask=systemd-timesyncd.service",
            "systemd.mask=apt-daily.timer",
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

BOOT_S = 3600.0
"""Longer than a boot or anything else takes on an emulated processor that is busy with other work."""


@contextlib.contextmanager
def machine(
    files: Mapping[str, str], before: Callable[[Path], object] = lambda _root: None, processors: int = 1
) -> Iterator[Machine]:
    """Yield a machine with this checkout's service, switched off; skip where none can run.

    Args:
        files: Files to write into it, by path.
        before: What is done to the system before the service is installed.
        processors: How many it has.
    """
    need_root()
    need("mmdebstrap")
    need("qemu-system-x86_64")
    with scratch() as work:
        made = Machine(Image.make(work, {**PATIENT, **files}, before), processors)
        try:
            yield made
        finally:
            made.cut()


def config(port: int, camera: str, more: str = "") -> dict[str, str]:
    """Return the service's configuration as a file by its path: a broker of this host, and a camera."""
    mqtt = f'[mqtt]\nurl = "mqtt://{HOST}:{port}"\ndevice = "{DEVICE}"\n'
    return {"etc/emotion-edge/config.toml": f'[camera]\nsource = "{camera}"\n{mqtt}{more}'}


@dataclass
class Machine:
    """A machine that boots from a disk which keeps what was written through to it, and nothing else."""

    image: Image
    processors: int = 1
    """Two of an emulator wait for each other where the host has no time for both."""

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
        port = folder / "port"
        for name in ("port", "shell"):
            (folder / name).unlink(missing_ok=True)
        with (folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                [
                    need("qemu-system-x86_64"),
                    *("-accel", ACCELERATOR, "-cpu", "max", "-m", "1024", "-smp", str(self.processors)),
                    *("-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"),
                    *("-kernel", folder / "kernel", "-initrd", folder / "initrd"),
                    *("-append", f"root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 panic=-1 {_LESS}"),
                    *("-drive", f"file={folder / 'disk.raw'},if=virtio,format=raw,cache=writeback"),
                    *("-device", "virtio-serial-pci", "-chardev", f"socket,id=lab,path={port},server=on,wait=off"),
                    *("-device", "virtserialport,chardev=lab,name=lab"),
                    *("-chardev", f"socket,id=shell,path={folder / 'shell'},server=on,wait=off"),
                    *("-device", "virtserialport,chardev=shell,name=shell"),
                    *("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
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

    def run(self, command: str, timeout_s: float = BOOT_S) -> str:
        """Run a line of shell in it as root, where it has `SHELL` and has booted, and return what it wrote.

        Raises:
            AssertionError: It failed.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(os.fspath(self.image.folder / "shell"))
            connection.sendall(f"{command}\n".encode())
            written = b""
            while not (found := re.search(rb"^lab-end (\d+)$", written, re.MULTILINE)):
                written += connection.recv(4096)
        out = written[: found.start()].decode("utf-8", "replace")
        assert found[1] == b"0", f"{command}: {out}"
        return out

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
        with socket.socket(socket.AF_UNIX) as connection:
            until = time.monotonic() + 30
            while True:
                try:
                    connection.connect(os.fspath(port))
                except OSError:
                    if time.monotonic() > until:
                        return
                    time.sleep(0.02)
                else:
                    break
            with connection.makefile("rb") as file, contextlib.suppress(ConnectionResetError):  # the cut
                for line in file:
                    if line.endswith(b"\n"):
                        self.lines.append(Line(time.monotonic(), line.decode("utf-8", "replace").rstrip()))
