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
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from edge.inference.runtime import Runtime
    from edge.vision.views import View

_FILE = "{}.npz"
"""Of a view's logits."""

_STEP = 32
"""Faces between two reports of progress."""

_WORTH_A_PROCESS = 256
"""Faces: starting a process costs half a second of a core, in which a network like ours reads hundreds."""


def logits(
    content: bytes, runtime: Runtime, faces: NDArray[np.uint8], advance: Callable[[int], None] = lambda _: None
) -> Logits:
    """Return the logits of a network in one runtime; see `logits_of_views`."""
    (found,) = logits_of_views(content, runtime, faces, VIEWS[:1], advance)
    return found


def logits_of_views(
    content: bytes,
    runtime: Runtime,
    faces: NDArray[np.uint8],
    views: Sequence[View],
    advance: Callable[[int], None] = lambda _: None,
) -> list[Logits]:
    """Return the logits of a network in one runtime, for the faces in each of some views.

    Args:
        content: A ``.tflite`` file's bytes.
        runtime: The one to use.
        faces: ``(N, H, W)`` gray levels of any size.
        views: Of `VIEWS`.
        advance: Called with how many more faces are done, once in each view.

    Raises:
        BundleError: The runtime refuses the network; or it ends the process, as native code may.
    """
    worth = len(faces) * len(views) // _WORTH_A_PROCESS
    parts = np.array_split(faces, max(1, min(os.cpu_count() or 1, worth)))
    with tempfile.TemporaryDirectory() as scratch:
        network = Path(scratch) / "network.tflite"
        network.write_bytes(content)
        run = partial(_run, network, runtime, [VIEWS.index(view) for view in views], advance)
        folders = [Path(scratch) / str(number) for number in range(len(parts))]
        with ThreadPoolExecutor(len(parts)) as pool:
            found = list(pool.map(run, folders, parts))
    return [_joined(parts) for parts in zip(*found, strict=True)]


def _joined(parts: Sequence[Logits]) -> Logits:
    face_logits = [part.face for part in parts if part.face is not None]
    emotions = np.concatenate([part.emotions for part in parts])
    return Logits(emotions, np.concatenate(face_logits) if face_logits else None)


def _run(
    network: Path,
    runtime: Runtime,
    views: Sequence[int],
    advance: Callable[[int], None],
    folder: Path,
    faces: NDArray[np.uint8],
) -> list[Logits]:
    folder.mkdir()
    np.save(folder / "faces.npy", faces)
    with (
        (folder / "errors").open("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            python(__name__, network, runtime, folder, *views),
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
    return [_read(folder / _FILE.format(view)) for view in views]


def _read(path: Path) -> Logits:
    with np.load(path) as saved:
        return Logits(saved["emotions"], saved.get("face"))


def main(path: str, runtime: Runtime, folder: str, *views: str) -> None:
    """Do the work in the other process; see `logits_of_views`."""
    network = Network(Path(path).read_bytes(), runtime)
    height, width = network.input_shape
    faces = np.load(Path(folder) / "faces.npy")
    for view in views:
        parts = []
        for start in range(0, len(faces), _STEP):
            part = view_stills(faces[start : start + _STEP], VIEWS[int(view)], width, height)
            parts.append(network.logits(part))
            print(len(part), flush=True)  # noqa: T201  # the pipe to logits_of_views()
        found = _joined(parts)
        saved: dict[str, Any] = {"emotions": found.emotions}
        if found.face is not None:
            saved["face"] = found.face
        np.savez(Path(folder) / _FILE.format(view), **saved)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])  # type: ignore[arg-type]  # logits_of_views() is the only caller
    except BundleError as problem:
        sys.exit(str(problem))
