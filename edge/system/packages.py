"""This program, and the packages of its Python environment."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

REQUIREMENTS = {
    "numpy": "numpy>=1.24",
    "cv2": "opencv-python-headless>=4.6,<5",
    "av": "av>=18,<19",
    "paho": "paho-mqtt>=2.1,<3",
    "ulid": "python-ulid>=3",
    "ai_edge_litert": "ai-edge-litert>=2.0",
    "tflite_runtime": "tflite-runtime>=2.14",
    "amqtt": "amqtt>=0.11,<0.13",
}
"""What brings a module, as in pyproject.toml."""


def program() -> str:
    """Return the command by which a person called this program: ``emotion-edge``, or with its folder."""
    called = Path(sys.argv[0])
    if called.name != "emotion-edge" or shutil.which(called.name) == str(called):
        return "emotion-edge"
    try:
        return f"./{called.relative_to(Path.cwd())}"
    except (ValueError, OSError):  # it is elsewhere, or the current folder is gone
        return str(called)


def pip_install(*arguments: str) -> str:
    """Return the command that installs a package, or ``-r`` and a file, into the environment that runs this program."""
    # -P: a pip.py in the current folder must not run.
    return shlex.join([sys.executable, "-P", "-m", "pip", "install", *arguments])


def sees_system_packages() -> bool:
    """Return whether this is a virtual environment that sees the packages which apt installs."""
    try:
        text = (Path(sys.prefix) / "pyvenv.cfg").read_text("utf-8")
    except OSError:  # no virtual environment
        return False
    return re.search(r"^include-system-site-packages\s*=\s*true\s*$", text, re.MULTILINE | re.IGNORECASE) is not None


def install_missing(error: ImportError) -> str | None:
    """Return the command that installs what could not be imported; None: it is none of the `REQUIREMENTS`."""
    module = (error.name or "").partition(".")[0]
    if module == "numpy" and sees_system_packages():
        return "sudo apt install python3-numpy"
    return pip_install(REQUIREMENTS[module]) if module in REQUIREMENTS else None
