"""The disk of a virtual machine: a Debian with a kernel, with this checkout's service in it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.pi.cache import scratch, unpack
from tests.pi.prerequisites import need
from tests.pi.release import platform, release
from tests.pi.rootfs import Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

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
        cls, folder: Path, prepare: Mapping[str, str], before: Callable[[Path], object] = lambda _root: None
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
