"""The disk of a virtual machine: a Debian with a kernel, and this checkout's service or its release."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.pi.cache import scratch, unpack
from tests.pi.prerequisites import need
from tests.pi.release import platform, release, variant
from tests.pi.service import NEWER, NEWER_VERSION, RELEASE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.pi.hardware import Hardware


@dataclass(frozen=True)
class Image:
    """What a machine boots from."""

    hardware: Hardware
    folder: Path

    @classmethod
    def make(
        cls, hardware: Hardware, folder: Path, files: Mapping[str, str], build: Callable[[Hardware, Path], None]
    ) -> Image:
        """Make a disk of a system.

        Args:
            hardware: What it is for.
            folder: An empty one.
            files: Files to write into the system in the end, by path.
            build: Brings this checkout's service into the system.
        """
        with scratch() as work:
            root = unpack(hardware.rootfs.tarball(), work / "root")
            build(hardware, root)
            for name, text in files.items():
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
        return cls(hardware, folder)


def with_the_service(hardware: Hardware, root: Path) -> None:
    """Install the service into a system whose programs run here; it starts when that boots."""
    (root / RELEASE[1:]).mkdir()
    script = (
        f'mount --bind "$1" "$0{RELEASE}"; mount -o remount,bind,ro "$0{RELEASE}"; mount -t proc proc "$0/proc"\n'
        f'exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin HOME=/root {RELEASE}/install.sh --no-start'
    )
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-eu", "-c", script]
    archive = release(platform(hardware.platform))
    done = subprocess.run([*command, root, archive], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def with_the_releases(hardware: Hardware, root: Path) -> None:
    """Put the unpacked archive and a newer one into a system, to be installed when that has booted."""
    archive = release(platform(hardware.platform))
    shutil.copytree(archive, root / RELEASE[1:], symlinks=True)
    variant(archive, root / NEWER[1:], NEWER_VERSION)
