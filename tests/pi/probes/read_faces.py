"""Read faces with a bundle; runs wherever `edge` does, so also on emulated Arm code.

Usage: read_faces.py RUNTIME BUNDLE FACES.npy OUT.npz
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.inference.bundle import ModelBundle

if TYPE_CHECKING:
    from edge.inference.runtime import Runtime


def main(runtime: Runtime, bundle: str, faces: str, out: str) -> None:
    opened = ModelBundle.load(Path(bundle), runtime=runtime)
    read = opened.read(np.load(faces))
    names = {"machine": platform.machine(), "runtime": runtime, "version": opened.network.version}
    np.savez(out, probabilities=read.probabilities, **names)


if __name__ == "__main__":
    main("litert" if sys.argv[1] == "litert" else "tflite-runtime", *sys.argv[2:])
