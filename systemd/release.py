"""Make release archives: all that an installation without a network needs, one for each Debian and architecture.

    python -m systemd.release dist [debian13-arm64 …]

An archive holds the project's wheel, the wheels that it needs with their hashes, pip, the installer with the unit, and
checksums. The same commit makes the same bytes. `make release` calls it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]

SCRIPTS = ("apt.sh", "pip.sh", "platform.sh", "system.sh", "venv.sh")
"""Of `requirements`, what the installer calls."""

DOCUMENTS = ("CHANGELOG.md", "LICENSE", "README.md", "docs/install.md", "pyproject.toml")

_PIP = "pip==26.3"
"""What installs the wheels, as a fresh Debian has no pip, and no ensurepip either."""


@dataclass(frozen=True)
class Platform:
    """What an archive is for."""

    debian: int
    python: str
    """Of that Debian: "3.13"."""

    glibc: int
    """Its minor version, the newest that a wheel may want."""

    architecture: str
    """As Debian calls it."""

    machine: str
    """As Python and wheels call it."""

    @property
    def name(self) -> str:
        """The end of the archive's name."""
        return f"debian{self.debian}-{self.architecture}"

    @property
    def tags(self) -> list[str]:
        """The platform tags of wheels that run there (PEP 600)."""
        return [f"manylinux_2_{minor}_{self.machine}" for minor in range(self.glibc, 4, -1)] + [
            f"{old}_{self.machine}" for old in ("manylinux2014", "manylinux2010", "manylinux1", "linux")
        ]

    def wanted(self, pins: Iterable[str]) -> list[str]:
        """Return those of a list's pins that hold there, without their conditions."""
        environment = {
            "implementation_name": "cpython",
            "platform_machine": self.machine,
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }
        requirements = [Requirement(pin) for pin in pins if pin.strip() and not pin.startswith("#")]
        return [
            f"{wanted.name}{wanted.specifier}"
            for wanted in requirements
            if wanted.marker is None or wanted.marker.evaluate(environment)
        ]


PLATFORMS = [
    Platform(debian, python, glibc, architecture, machine)
    for debian, python, glibc in ((12, "3.11", 36), (13, "3.13", 41))
    for architecture, machine in (("amd64", "x86_64"), ("arm64", "aarch64"))
]


def version() -> str:
    """Return the project's version."""
    found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        message = "pyproject.toml: no version"
        raise SystemExit(message)
    return found[1]


def pip(*arguments: str | Path) -> None:
    """Run pip, isolated from the current folder; where it fails, end with what it said."""
    command = [sys.executable, "-I", "-m", "pip", "-qq", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, check=False).returncode:
        message = f"pip {arguments[0]} failed: see above; it needs the network"
        raise SystemExit(message)


def build_wheel(into: Path) -> Path:
    """Return the project's wheel, made of a copy, so that nothing is left in the checkout."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "source"
        skipped = shutil.ignore_patterns("__pycache__", "*.md", "*.png")
        shutil.copytree(ROOT / "edge", copy / "edge", ignore=skipped)
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / file, copy)
        pip("wheel", "--no-deps", "--wheel-dir", into, copy)
    (wheel,) = into.glob("emotion_edge-*.whl")
    return wheel


def download(platform: Platform, into: Path) -> None:
    """Get the wheels that a platform needs, and pip."""
    pins = platform.wanted((ROOT / "requirements/edge.txt").read_text(encoding="utf-8").splitlines())
    pip("download", "--no-deps", "--dest", into, *foreign(platform), *pins, _PIP)


def foreign(platform: Platform) -> list[str]:
    """Return pip's options for another machine than this one."""
    abis = (f"cp{platform.python.replace('.', '')}", "abi3", "none")
    options = ["--python-version", platform.python, "--implementation", "cp", "--only-binary", ":all:"]
    options += [option for abi in abis for option in ("--abi", abi)]
    return options + [option for tag in platform.tags for option in ("--platform", tag)]


def pinned(wheels: Iterable[Path]) -> str:
    """Return a list for pip with the hash of each wheel, a line each: the installer takes lines out."""
    lines = []
    for wheel in sorted(wheels):
        name, number = wheel.name.split("-")[:2]
        lines.append(f"{name.replace('_', '-')}=={number} --hash=sha256:{sha256(wheel)}\n")
    return "".join(lines)


def sha256(file: Path) -> str:
    """Return a file's checksum."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def fill(folder: Path, platform: Platform, wheel: Path) -> None:
    """Put into an empty folder what the archive holds."""
    wheels = folder / "wheels"
    wheels.mkdir()
    download(platform, wheels)
    needed = [path for path in wheels.glob("*.whl") if not path.name.startswith("pip-")]
    for part in (*DOCUMENTS, *(f"requirements/{script}" for script in SCRIPTS)):
        (folder / part).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / part, folder / part)
    (folder / "requirements/edge.txt").write_text(pinned(needed), encoding="utf-8")
    shutil.copy(wheel, wheels)
    shutil.copytree(
        ROOT / "systemd", folder / "systemd", ignore=shutil.ignore_patterns("*.py", "__pycache__", "debian")
    )
    (folder / "install.sh").symlink_to("systemd/install.sh")
    (folder / "uninstall.sh").symlink_to("systemd/uninstall.sh")
    (folder / "PLATFORM").write_text(f"{platform.python} {platform.machine} {platform.name}\n", encoding="utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    sums = "".join(f"{sha256(path)}  {path.relative_to(folder)}\n" for path in files)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")


def pack(folder: Path, archive: Path, time_s: int) -> None:
    """Write a folder as a tar archive whose bytes depend on its content alone. Wheels are compressed already."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = time_s
        executable = member.isdir() or member.issym() or member.name.endswith(".sh")
        member.mode = 0o755 if executable else 0o644
        return member

    unfinished = archive.with_name(f".{archive.name}")
    with tarfile.open(unfinished, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in (folder, *sorted(folder.rglob("*"))):
            tar.add(path, arcname=path.relative_to(folder.parent), recursive=False, filter=plain)
    unfinished.replace(archive)


def chosen(names: list[str]) -> list[Platform]:
    """Return the platforms of these names; all if there are none."""
    known = {platform.name: platform for platform in PLATFORMS}
    if unknown := [name for name in names if name not in known]:
        message = f"{', '.join(unknown)}: unknown; known are {', '.join(known)}"
        raise SystemExit(message)
    return [known[name] for name in names or known]


def made_s() -> int:
    """Return the time of the commit in seconds since 1970, unless SOURCE_DATE_EPOCH names another; at least 1980.

    Outside a repository it is the time of the newest file.
    """
    # A wheel is a zip file, whose time begins in 1980.
    return max(int(os.environ.get("SOURCE_DATE_EPOCH") or _commit_s() or _newest_file_s()), 315532800)


def _commit_s() -> str:
    """Return the time of the commit; empty where there is none."""
    if not shutil.which("git"):
        return ""
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def _newest_file_s() -> float:
    """Return the time of the newest file of those that are packed, without what Python makes of them."""
    files = [ROOT / "pyproject.toml", *(path for part in ("edge", "systemd") for path in (ROOT / part).rglob("*"))]
    return max(path.stat().st_mtime for path in files if path.is_file() and "__pycache__" not in path.parts)


def main(into: Path, names: list[str]) -> None:
    """Make the archives, all unless some are named, and a file with their checksums."""
    platforms = chosen(names)
    into.mkdir(parents=True, exist_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = str(made_s())  # setuptools reads it
    with tempfile.TemporaryDirectory() as scratch:
        wheel = build_wheel(Path(scratch))
        for platform in platforms:
            folder = Path(scratch) / f"emotion-edge-{version()}-{platform.name}"
            folder.mkdir()
            print(f"{folder.name}.tar", flush=True)  # noqa: T201  # its progress
            fill(folder, platform, wheel)
            pack(folder, into / f"{folder.name}.tar", made_s())
            shutil.rmtree(folder)
    archives = sorted(into.glob("emotion-edge-*.tar"))
    (into / "SHA256SUMS").write_text("".join(f"{sha256(path)}  {path.name}\n" for path in archives), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
