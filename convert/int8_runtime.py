"""Run a quantised network in processes of its own, one for each core.

TensorFlow and tflite-runtime hold native libraries of one name: in a process that has imported the one, the other fails
to load any network. And the Pi has no TensorFlow beside its runtime either.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convert.subprocesses import CHECKOUT, python
from edge.errors import BundleError
from edge.inference.outputs import Logits
from edge.inference.runtime import Network
from edge.vision.views import VIEWS, view_stills

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.inference.runtime import Runtime
    from edge.vision.views import View

_STEP = 32
"""Faces between two reports of progress."""

_WORTH_A_PROCESS = 256
"""Faces: starting a process costs half a second of a core, in which a network like ours reads hundreds."""


def logits(
    content: bytes,
    runtime: Runtime,
    faces: NDArray[np.uint8],
    advance: Callable[[int], None] = lambda _: None,
    view: View = VIEWS[0],
) -> Logits:
    """Return the logits of a network in one runtime.

    Args:
        content: A ``.tflite`` file's bytes.
        runtime: The one to use.
        faces: ``(N, H, W)`` gray levels of any size.
        advance: Called with how many more faces are done.
        view: The one of `VIEWS` in which the faces are read.

    Raises:
        BundleError: The runtime refuses the network; or it ends the process, as native code may.
    """
    parts = np.array_split(faces, max(1, min(os.cpu_count() or 1, len(faces) // _WORTH_A_PROCESS)))
    with tempfile.TemporaryDirectory() as scratch:
        network = Path(scratch) / "network.tflite"
        network.write_bytes(content)
        run = partial(_run, network, runtime, VIEWS.index(view), advance)
        folders = [Path(scratch) / str(number) for number in range(len(parts))]
        with ThreadPoolExecutor(len(parts)) as pool:
            found = list(pool.map(run, folders, parts))
    face_logits = [part.face for part in found if part.face is not None]
    emotions = np.concatenate([part.emotions for part in found])
    return Logits(emotions, np.concatenate(face_logits) if face_logits else None)


def _run(
    network: Path,
    runtime: Runtime,
    view: int,
    advance: Callable[[int], None],
    folder: Path,
    faces: NDArray[np.uint8],
) -> Logits:
    folder.mkdir()
    np.save(folder / "faces.npy", faces)
    with (
        (folder / "errors").open("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            python(__name__, network, runtime, view, folder),
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        for line in process.stdout or ():
            advance(int(line))
    if process.returncode:
        lines = (folder / "errors").read_text(encoding="utf-8").strip().splitlines() or ["it said nothing"]
        message = f"{runtime} fails with it (exit code {process.returncode}): {lines[-1]}"
        raise BundleError(message)
    with np.load(folder / "logits.npz") as saved:
        return Logits(saved["emotions"], saved.get("face"))


def main(path: str, runtime: Runtime, view: str, folder: str) -> None:
    """Do the work in the other process; see `logits`."""
    network = Network(Path(path).read_bytes(), runtime)
    height, width = network.input_shape
    faces = np.load(Path(folder) / "faces.npy")
    parts = []
    for start in range(0, len(faces), _STEP):
        part = view_stills(faces[start : start + _STEP], VIEWS[int(view)], width, height)
        parts.append(network.logits(part))
        print(len(part), flush=True)  # noqa: T201  # the pipe to logits()
    logits: dict[str, Any] = {"emotions": np.concatenate([part.emotions for part in parts])}
    if network.has_face:
        logits["face"] = np.concatenate([part.face for part in parts if part.face is not None])
    np.savez(Path(folder) / "logits.npz", **logits)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])  # type: ignore[arg-type]  # logits() is the only caller
    except BundleError as problem:
        sys.exit(str(problem))
