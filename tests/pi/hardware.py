"""The two machines that QEMU can be: a PC with Debian 13, and a 64-bit Arm board with Debian 12."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

from tests.pi.rootfs import Rootfs

ACCELERATOR = os.environ.get("LAB_ACCELERATOR", "tcg,thread=multi")
"""Emulation works everywhere; ``kvm`` is ten times as fast where the host has one that is whole."""

_INITRD = r"""
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk ext4 >"$1/usr/share/initramfs-tools/modules.d/lab"
"""
"""What the disk needs and no more, as an emulated processor takes long to pack it and to unpack it."""


@dataclass(frozen=True)
class Hardware:
    """A kind of machine, and the Debian that it boots."""

    machine: str
    """As ``uname -m`` says."""

    emulator: str
    options: tuple[str, ...]
    """QEMU's, for its board and its processor."""

    console: str
    """The kernel's name of its serial port."""

    rootfs: Rootfs
    platform: str
    """Of the release that is for it."""

    @property
    def accelerator(self) -> str:
        """What runs its code: a host of another kind can only emulate it."""
        return ACCELERATOR if platform.machine() == self.machine else "tcg,thread=multi"


PC = Hardware(
    "x86_64",
    "qemu-system-x86_64",
    ("-cpu", "max"),
    "ttyS0",
    Rootfs(
        "trixie",
        ("amd64",),
        (
            *("systemd", "systemd-sysv", "udev", "kmod", "dbus", "linux-image-amd64", "initramfs-tools", "procps"),
            *("python3", "python3-venv", "python3-numpy", "python3-prctl", "python3-libcamera", "libcamera-ipa"),
            *("libarchive13t64", "v4l-utils"),
        ),
        variant="minbase",
        before=_INITRD,
    ),
    "debian13-amd64",
)

ARM = Hardware(
    "aarch64",
    "qemu-system-aarch64",
    ("-machine", "virt", "-cpu", "cortex-a72"),  # a Pi 4's processor
    "ttyAMA0",
    Rootfs(
        "bookworm",
        ("arm64",),
        (
            *("systemd", "systemd-sysv", "udev", "kmod", "dbus", "linux-image-arm64", "initramfs-tools", "procps"),
            *("python3", "python3-venv", "mosquitto", "mosquitto-clients"),
        ),
        variant="minbase",
        before=_INITRD,
    ),
    "debian12-arm64",
)
