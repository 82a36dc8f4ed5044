"""Train the recipes that are packed here: ``python job.py --resume``.

It needs Python 3.11 or newer, Keras 3.12 or newer, and JAX or PyTorch (TensorFlow works too); KERAS_BACKEND chooses.
The weights come into runs/NAME/NAME.npz. Bring the folder runs home.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BACKENDS = {"jax": "jax", "torch": "torch", "tensorflow": "tensorflow"}
"""Keras' names of its backends, and the modules that they need."""


def main() -> int:
    """Find Keras and a backend, then train; return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036  # it runs on machines of others
        return _end(f"this is Python {sys.version.split()[0]}, and 3.11 or newer is needed")
    if not _has("keras") and (problem := install_wheels()):
        return _end(problem)
    found = [backend for backend, module in BACKENDS.items() if _has(module)]
    if not found:
        return _end("neither JAX nor PyTorch is installed here")
    os.environ.setdefault("KERAS_BACKEND", found[0])
    import keras  # noqa: PLC0415  # the backend had to be chosen before

    if tuple(map(int, keras.__version__.split(".")[:2])) < (3, 12):
        return _end(f"this is Keras {keras.__version__}, and 3.12 or newer is needed")
    from train.job.main import main as train  # noqa: PLC0415  # it imports keras

    return train()


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def install_wheels() -> str:
    """Install Keras from the wheels of the job into a folder of its own; return what went wrong."""
    packages, wheels = HERE / "packages", sorted(map(str, HERE.glob("wheels/*.whl")))
    if not packages.exists():
        if not wheels:
            install = shlex.join([sys.executable, "-m", "pip", "install", "keras"])
            return f"Keras is not installed here, and no wheels were packed ('pack --wheels'): {install}"
        scratch = HERE / "packages.part"  # what an ended run left there is not taken for all of it
        shutil.rmtree(scratch, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
        done = subprocess.run([*pip, "--target", str(scratch), *wheels], check=False, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["pip failed"]
            return (
                f"the wheels cannot be installed: {said[0]}; for another Python pack them with 'pack --wheels VERSION'"
            )
        scratch.rename(packages)
    sys.path.append(str(packages))
    importlib.invalidate_caches()
    return ""


def _end(problem: str) -> int:
    sys.stderr.write(problem + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
