"""A 64-bit Arm system without a kernel: Debian's own Python, the wheels of an installation, and this project's."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.pi.cache import cached, key, pack, scratch, unpack
from tests.pi.prerequisites import need
from tests.pi.rootfs import Rootfs
from tests.pi.wheels import Target, project_wheel

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import Popen

MODULES = "opt/modules"
"""Where the modules are, below the root."""

EMOTION_EDGE = ("-c", "from edge.cli.main import main; main()")
"""Python's arguments that make it the command."""

# /proc, as on every Pi; not /sys: LiteRT 2.3 ends with a fault where that is another architecture's.
_ENTER = 'mkdir -p "$0/proc" && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'


@dataclass(frozen=True)
class ArmSystem:
    """What a Pi has."""

    rootfs: Rootfs
    target: Target
    runtimes: tuple[str, ...]
    """The TFLite runtimes that exist for it."""

    def unpacked(self, folder: Path) -> ArmRoot:
        """Unpack it into a new folder, with this checkout's `edge` in it."""
        root = ArmRoot(unpack(cached(f"installed-{self._key}.tar", self._make), folder))
        with scratch() as built:
            self.target.install([project_wheel(built)], root.path / MODULES)
        return root

    @property
    def _key(self) -> str:
        return f"{self.target.python}-{key(self.rootfs.name, *self.target.requirements())}"

    def _make(self, archive: Path) -> None:
        with scratch() as work:
            root = ArmRoot(unpack(self.rootfs.tarball(), work / "root"))
            shutil.copy(need("qemu-aarch64-static", "qemu-aarch64"), root.path / "usr/bin/qemu")
            self.target.install(sorted(self.target.wheels().glob("*.whl")), root.path / MODULES)
            root.run("-m", "compileall", "-q", f"/{MODULES}")  # once, as it takes longer than most tests
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
    Target("3.11", "aarch64", ("tflite-runtime==2.14.0",)),
    ("litert", "tflite-runtime"),
)
COUNTED = ArmSystem(
    # Bookworm's qemu-user takes plugins; qemu-user-static and Trixie's are static, and do not.
    Rootfs("bookworm", ("arm64", "amd64"), (*PACKAGES, "qemu-user:amd64")),
    Target("3.11", "aarch64"),
    ("litert",),
)
TRIXIE = ArmSystem(Rootfs("trixie", ("arm64",), PACKAGES), Target("3.13", "aarch64"), ("litert",))
