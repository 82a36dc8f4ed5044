"""The scripts of systemd/, run with a folder for the system."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "systemd"


def do(root: Path, command: str, said: str = "", unit: str = "emotion-edge.service") -> str:
    """Run a shell command with the functions of service.sh, and return what it prints."""
    settings = f"root={root} opt={root}/opt/emotion-edge config={root}/config.toml start=no source={FOLDER.parent}"
    settings = f"{settings} unit={unit}"
    result = subprocess.run(
        ["sh", "-eu", "-c", f'{settings}; say() {{ echo "$@"; }}; . {FOLDER}/service.sh; {command}'],
        input=said,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of systemd/."""
    return subprocess.run(["sh", str(FOLDER / name), *arguments], capture_output=True, text=True, check=False)
