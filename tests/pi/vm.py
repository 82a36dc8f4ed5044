"""A virtual machine with the service installed: a kernel and a disk of its own, so that its power can be cut."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.pi.cache import scratch, unpack
from tests.pi.lives import Line
from tests.pi.prerequisites import need
from tests.pi.release import platform, release
from tests.pi.rootfs import Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

_INITRD = r"""sed -i 's/^MODULES=.*/MODULES=list/' "$1/etc/initramfs-tools/initramfs.conf"
printf '%s\n' virtio_pci virtio_blk ext4 >>"$1/etc/initramfs-tools/modules"
chroot "$1" update-initramfs -u"""
"""What the disk needs and no more, as an emulated processor takes long to unpack it."""

ROOTFS = Rootfs(
    "trixie",
    ("amd64",),
    (
        *("systemd", "systemd-sysv", "udev", "kmod", "dbus", "linux-image-amd64", "initramfs-tools", "procps"),
        *("python3", "python3-venv", "python3-numpy", "python3-prctl", "python3-libcamera", "libcamera-ipa"),
        *("libarchive13t64", "v4l-utils"),
    ),
    variant="minbase",
    hook=_INITRD,
)
ACCELERATOR = os.environ.get("LAB_ACCELERATOR", "tcg,thread=multi")
"""Emulation works everywhere; ``kvm`` is ten times as fast where the host has one that is whole."""

_LESS = " ".join(
    [f"systemd.mask={unit}.service" for unit in ("systemd-logind", "getty@tty1", "serial-getty@ttyS0")]
    + ["modprobe.blacklist=kvm_amd,kvm_intel,pcspkr,cfg80211"]
)
"""What nobody needs here and an emulated processor takes seconds for."""

HOST = "10.0.2.2"
"""The host's loopback, as QEMU's user network shows it to the guest."""

PORT = "/dev/virtio-ports/lab"
"""In the guest: what is written there arrives here at once."""


SHELL = {
    "etc/systemd/system/lab-shell.service": """[Unit]
Wants=dev-virtio\\x2dports-shell.device
After=dev-virtio\\x2dports-shell.device
[Service]
ExecStart=/bin/sh /etc/lab-shell
StandardInput=file:/dev/virtio-ports/shell
StandardOutput=file:/dev/virtio-ports/shell
[Install]
WantedBy=multi-user.target
""",
    # Nothing can be read while nobody is connected.
    "etc/lab-shell": """while :; do
    if IFS= read -r line; then sh -c "$line" 2>&1 </dev/null; echo "lab-end $?"; else sleep 0.5; fi
done
""",
}
"""Files of a machine that takes commands by `Machine.run`."""


@dataclass(frozen=True)
class Image:
    """What a machine boots from."""

    folder: Path

    @classmethod
    def make(
        cls, folder: Path, prepare: dict[str, str], before: Callable[[Path], object] = lambda _root: None
    ) -> Image:
        """Install this checkout's service into a system and make a disk of it.

        Args:
            folder: An empty one.
            prepare: Files to write into it afterwards, by path.
            before: What is done to the system before the installation.
        """
        with scratch() as work:
            root = unpack(ROOTFS.tarball(), work / "root")
            before(root)
            (root / "release").mkdir()
            script = (
                'mount --bind "$1" "$0/release"; mount -o remount,bind,ro "$0/release"; mount -t proc proc "$0/proc"\n'
                'exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin HOME=/root /release/install.sh --no-start'
            )
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-eu", "-c", script]
            archive = release(platform("debian13-amd64"))
            done = subprocess.run([*command, root, archive], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
            for name, text in prepare.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            units = root / "etc/systemd/system/multi-user.target.wants"
            for unit in (root / "etc/systemd/system").glob("lab-*.service"):
                (units / unit.name).symlink_to(f"/etc/systemd/system/{unit.name}")
            (units / "systemd-networkd.service").symlink_to("/usr/lib/systemd/system/systemd-networkd.service")
            (root / "etc/fstab").write_text("/dev/vda / ext4 rw 0 1\n", encoding="utf-8")
            network = "[Match]\nName=en*\n[Network]\nDHCP=yes\n"
            (root / "etc/systemd/network/lab.network").write_text(network, encoding="utf-8")
            (kernel,) = (root / "boot").glob("vmlinuz-*")
            (initrd,) = (root / "boot").glob("initrd.img-*")
            shutil.copy(kernel, folder / "kernel")
            shutil.copy(initrd, folder / "initrd")
            size = "4G"
            disk = folder / "disk.raw"
            subprocess.run([need("mke2fs"), "-q", "-F", "-t", "ext4", "-d", root, "-L", "root", disk, size], check=True)
        return cls(folder)


@dataclass
class Machine:
    """A machine that boots from a disk which keeps what was written through to it, and nothing else."""

    image: Image
    options: tuple[str, ...] = ()
    lines: list[Line] = field(default_factory=list)
    """What came through the port, of all its lives."""

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
                    *("-accel", ACCELERATOR, "-cpu", "max", "-m", "1024", "-smp", "2"),
                    *("-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"),
                    *("-kernel", folder / "kernel", "-initrd", folder / "initrd"),
                    *("-append", f"root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 panic=-1 {_LESS}"),
                    *("-drive", f"file={folder / 'disk.raw'},if=virtio,format=raw,cache=writeback"),
                    *("-device", "virtio-serial-pci", "-chardev", f"socket,id=lab,path={port},server=on,wait=off"),
                    *("-device", "virtserialport,chardev=lab,name=lab"),
                    *("-chardev", f"socket,id=shell,path={folder / 'shell'},server=on,wait=off"),
                    *("-device", "virtserialport,chardev=shell,name=shell"),
                    *("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"),
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        self.started_s = time.monotonic()
        self._reader = threading.Thread(target=self._read, args=(port,), daemon=True)
        self._reader.start()
        return self

    def cut(self) -> float:
        """Cut the power: what the guest's kernel has not written to the disk is gone; return when that was."""
        self._process.kill()
        at_s = time.monotonic()
        self._process.wait(30)
        self._reader.join(30)
        return at_s

    def run(self, command: str, timeout_s: float = 120.0) -> str:
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
