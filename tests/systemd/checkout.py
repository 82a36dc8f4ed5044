"""A checkout whose installer needs a second: it fetches no packages, and asks no systemd."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

_PROGRAMS = {
    "requirements/venv.sh": f"""
mkdir -p "$1/bin"
printf '#!/bin/sh\\nexec {sys.executable} "$@"\\n' >"$1/bin/python"
cat >"$1/bin/emotion-edge" <<'END'
import sys

sys.path.insert(0, {str(ROOT)!r})
from edge.cli.start import main

sys.exit(main())
END
chmod +x "$1/bin/python"
""",
    "requirements/pip.sh": "",
    "bin/systemctl": "[ $1 != --version ] || echo systemd 252",
    "bin/systemd-sysusers": "",
    "bin/sync": "",
}


class Checkout:
    """The installer, and a folder for the system that it installs into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "checkout"
        self.root = folder / "root"
        self.root.mkdir()
        for part in ("requirements", "systemd"):
            shutil.copytree(ROOT / part, self._folder / part)
        for name in ("edge", "bin"):
            (self._folder / name).mkdir()
        for name in ("README.md", "LICENSE"):
            (self._folder / name).touch()
        (self._folder / "pyproject.toml").write_text('version = "9.9"\n')
        for name, script in _PROGRAMS.items():
            self.program(name, script)

    def program(self, name: str, script: str) -> None:
        """Replace a program of the checkout, or one of the system: `bin/NAME`."""
        (self._folder / name).write_text(f"#!/bin/sh -e\n{script}\n")
        (self._folder / name).chmod(0o755)

    def change(self, text: str) -> None:
        """Change the source code and the unit, which makes another version of it."""
        (self._folder / "edge/new.py").write_text(text)
        with (self._folder / "systemd/emotion-edge.service").open("a") as unit:
            unit.write(f"# {text}\n")

    def install(self, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run install.sh, with what is said on its standard input."""
        return subprocess.run(
            ["sh", self._folder / "systemd/install.sh", "--root", self.root, *arguments],
            input=said,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": f"{self._folder}/bin:{os.environ['PATH']}"},
        )

    def text(self, name: str) -> str:
        """Return what is in a file of the system."""
        return (self.root / name).read_text("utf-8")
