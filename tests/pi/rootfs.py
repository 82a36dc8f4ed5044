"""Root file systems of Debian, as Pi OS is built from: made once, kept as tarballs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.pi.cache import cached, key
from tests.pi.emulation import run_with_arm_programs
from tests.pi.prerequisites import need

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Rootfs:
    """A Debian of some packages."""

    suite: Literal["bookworm", "trixie"]
    architectures: tuple[str, ...]
    """The first is the system's own; programs of the others can be among the packages."""

    packages: tuple[str, ...]
    variant: Literal["extract", "minbase"] = "extract"
    """``extract``: the packages and what they need are unpacked, and none of their scripts is run."""

    before: str = ""
    """A shell script that is run before the packages are set up, with the root as ``$1``."""

    hook: str = ""
    """The same at the end."""

    @property
    def name(self) -> str:
        """The name of its tarball."""
        decides = key(
            self.suite, *self.architectures, self.variant, *self.packages, *filter(None, [self.before, self.hook])
        )
        return f"{self.suite}-{'-'.join(self.architectures)}-{decides}.tar"

    def tarball(self) -> Path:
        """Return its tarball, which takes half a minute where it is not there yet."""
        return cached(self.name, self.make)

    def make(self, tarball: Path) -> None:
        """Make its tarball at a path."""
        program = need("mmdebstrap")
        # base-files has the links of /bin, /lib and /sbin into /usr, which nothing depends on.
        packages = ",".join(("base-files", *self.packages))
        architectures = ",".join(self.architectures)
        command: list[str | Path] = [
            program,
            "--quiet",
            "--dpkgopt=force-unsafe-io",  # what is not whole after a power cut is made anew
            f"--variant={self.variant}",
            f"--architectures={architectures}",
            f"--include={packages}",
            *([f"--essential-hook={self.before.strip()}"] if self.before else []),
            *([f"--customize-hook={self.hook.strip()}"] if self.hook else []),
            self.suite,
            tarball,
        ]
        if self.variant != "extract" and self.architectures[0] == "arm64":
            run_with_arm_programs(command)  # those that the packages run to set themselves up
        else:
            subprocess.run(command, check=True)
