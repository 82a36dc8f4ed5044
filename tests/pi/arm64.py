"""A 64-bit Arm system without a kernel: Debian's own Python, the wheels of an installation, and this project's."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.pi.cache import cached, key, pack, scratch, unpack
from tests.pi.prerequisites import need
from tests.pi.release import download, install, platform, release
from tests.pi.rootfs import Rootfs

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import Popen

    from systemd.release import Platform

MODULES = "opt/modules"
"""Where the modules are, below the root."""

EMOTION_EDGE = ("-c", "from edge.cli.main import main; main()")
"""Python's arguments that make it the command."""

_COMPILED = "import ai_edge_litert.interpreter, av, cv2, numpy, paho.mqtt.client, pydantic, rich.live, typer, ulid"
"""Imported once, which compiles them: that takes longer than most tests."""

# /proc, as on every Pi; not /sys: LiteRT 2.3 ends with a fault where that is another architecture's.
_ENTER = 'mkdir -p "$0/proc" && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'


@dataclass(frozen=True)
class ArmSystem:
    """What a Pi has."""

    rootfs: Rootfs
    platform: Platform
    runtimes: dict[str, str | None]
    """The TFLite runtimes that exist for it, and the requirement of each that no release holds."""

    def unpacked(self, folder: Path) -> ArmRoot:
        """Unpack it into a new folder, with this checkout's `edge` in it."""
        wheels = self._wheels()
        root = ArmRoot(unpack(cached(self._name(wheels), lambda archive: self._make(wheels, archive)), folder))
        install(self.platform, list(release(self.platform).glob("wheels/emotion_edge-*.whl")), root.path / MODULES)
        return root

    def _wheels(self) -> list[Path]:
        """Return the release's wheels but for this project's, and the runtimes that it does not hold."""
        ours = ("emotion_edge-", "pip-")
        held = [wheel for wheel in release(self.platform).glob("wheels/*.whl") if not wheel.name.startswith(ours)]
        return sorted([*held, *(download(self.platform, each) for each in self.runtimes.values() if each)])

    def _name(self, wheels: list[Path]) -> str:
        return f"installed-{self.platform.name}-{key(self.rootfs.name, *(wheel.name for wheel in wheels))}.tar"

    def _make(self, wheels: list[Path], archive: Path) -> None:
        with scratch() as work:
            root = ArmRoot(unpack(self.rootfs.tarball(), work / "root"))
            shutil.copy(need("qemu-aarch64-static", "qemu-aarch64"), root.path / "usr/bin/qemu")
            install(self.platform, wheels, root.path / MODULES)
            root.run("-c", _COMPILED)
            pack(root.path, archive)


@dataclass(frozen=True)
class ArmRoot:
    """An unpacked system; its programs run by emulation in a mount namespace of their own."""

    path: Path

    def run(self, *arguments: str) -> str:
        """Run Python to its end and return its standard output.

        Raises:
            AssertionError: It failed.
        """
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def start(self, *arguments: str, stdout: int, stderr: int) -> Popen[str]:
        """Start Python."""
        return subprocess.Popen(self.command(*arguments), stdout=stdout, stderr=stderr, text=True)

    def command(self, *arguments: str, emulator: tuple[str, ...] = ("/usr/bin/qemu",)) -> list[str]:
        """Return the command that runs Python with some arguments."""
        environment = [
            "env",
            "-i",
            f"PYTHONPATH=/{MODULES}",
            "HOME=/root",
            "LANG=C.UTF-8",
            "PYTHONHASHSEED=0",
            "PATH=/usr/bin:/usr/sbin",
        ]
        python = [*emulator, "/usr/bin/python3", *arguments]
        return [
            *environment,
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            _ENTER,
            str(self.path),
            *python,
        ]


PACKAGES = ("python3", "libstdc++6", "libgomp1")

BOOKWORM = ArmSystem(
    Rootfs("bookworm", ("arm64",), PACKAGES),
    platform("debian12-arm64"),
    {"litert": None, "tflite-runtime": "tflite-runtime==2.14.0"},
)
COUNTED = ArmSystem(
    # Bookworm's qemu-user takes plugins; qemu-user-static and Trixie's are static, and do not.
    Rootfs("bookworm", ("arm64", "amd64"), (*PACKAGES, "qemu-user:amd64")),
    platform("debian12-arm64"),
    {"litert": None},
)
TRIXIE = ArmSystem(Rootfs("trixie", ("arm64",), PACKAGES), platform("debian13-arm64"), {"litert": None})
