"""Run a network in a process of its own.

TensorFlow and tflite-runtime hold native libraries of one name: in a process that
has imported the one, the other fails to load any network. And the Pi has no
TensorFlow beside its runtime either.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import BundleError
from edge.runtime import Network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.runtime import Runtime

_CHECKOUT = Path(__file__).parent.parent


def logits(content: bytes, runtime: Runtime, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Run a network in one runtime.

    Args:
        content: A ``.tflite`` file's bytes.
        runtime: The one to use.
        faces: ``(N, H, W)`` gray levels.

    Returns:
        ``(N, C)`` logits.

    Raises:
        BundleError: The runtime refuses the network; or it ends the process, as native code may.
    """
    with tempfile.TemporaryDirectory() as scratch:
        network, pictures, answers = (Path(scratch) / name for name in ("network.tflite", "faces.npy", "logits.npy"))
        network.write_bytes(content)
        np.save(pictures, faces)
        files = (str(network), runtime, str(pictures), str(answers))
        command = [sys.executable, "-m", "convert.isolated", *files]
        ran = subprocess.run(command, cwd=_CHECKOUT, capture_output=True, text=True, check=False)
        if ran.returncode:
            said = ran.stderr.strip().splitlines() or ["it said nothing"]
            message = f"{runtime} fails with it (exit code {ran.returncode}): {said[-1]}"
            raise BundleError(message)
        return np.asarray(np.load(answers), np.float32)


def main(network: str, runtime: Runtime, pictures: str, answers: str) -> None:
    """Do the work in the other process; see `logits`."""
    np.save(answers, Network(Path(network).read_bytes(), runtime).logits(np.load(pictures)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])  # type: ignore[arg-type]  # logits() is the only caller
    except BundleError as problem:
        sys.exit(str(problem))
