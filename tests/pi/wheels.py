"""The wheels that an installation takes, for a machine that is not this one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from tests.pi.cache import cached, key, scratch

REPOSITORY = Path(__file__).parents[2]
PINNED = REPOSITORY / "requirements/demo.txt"

_NEWEST_GLIBC = {"3.11": 36, "3.13": 41}
"""Minor version of the C library of Bookworm and Trixie, by their Python."""


@dataclass(frozen=True)
class Target:
    """A machine's Python."""

    python: str
    """``3.11`` is Bookworm's, ``3.13`` Trixie's."""

    machine: str
    """``aarch64`` or ``x86_64``."""

    more: tuple[str, ...] = ()
    """Requirements beside the pinned ones."""

    def requirements(self) -> list[str]:
        """Return the pinned requirements that hold for it, without their conditions."""
        facts = {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "platform_machine": self.machine,
            "sys_platform": "linux",
            "implementation_name": "cpython",
        }
        lines = PINNED.read_text(encoding="utf-8").splitlines()
        wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
        held = [each for each in wanted if each.marker is None or each.marker.evaluate(facts)]
        return sorted([*(f"{each.name}{each.specifier}" for each in held), *self.more])

    def wheels(self) -> Path:
        """Return a folder of them, downloaded where they are not there yet."""
        wanted = self.requirements()
        return cached(f"wheels-{self.python}-{self.machine}-{key(*wanted)}", self._download)

    def install(self, wheels: list[Path], folder: Path) -> None:
        """Unpack wheels into a folder of modules for it; nothing of them is run."""
        # Their least Python is asked of the one that installs; that of the target was asked when they were downloaded.
        options = ["--ignore-requires-python", "--no-compile", "--no-index", "--target", str(folder), *map(str, wheels)]
        subprocess.run([sys.executable, "-m", "pip", "install", *self._options(), *options], check=True)

    def _download(self, folder: Path) -> None:
        options = ["--dest", str(folder), *self.requirements()]
        subprocess.run([sys.executable, "-m", "pip", "download", *self._options(), *options], check=True)

    def _options(self) -> list[str]:
        oldest = 17  # the C library of manylinux2014
        platforms = [f"manylinux_2_{minor}_{self.machine}" for minor in range(oldest, _NEWEST_GLIBC[self.python] + 1)]
        return [
            *("--quiet", "--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", self.python),
            *(f"--platform={platform}" for platform in [*platforms, f"manylinux2014_{self.machine}"]),
        ]


def project_wheel(folder: Path) -> Path:
    """Build the project's own wheel into a folder, from a copy, so that nothing is left in the checkout."""
    with scratch() as copy:
        for part in ("edge", "pyproject.toml", "README.md", "LICENSE"):
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / part)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, copy], check=True
        )
    (wheel,) = folder.glob("emotion_edge-*.whl")
    return wheel


def checkout(folder: Path) -> Path:
    """Copy what git would commit of this checkout into a new folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, listed):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    return folder
