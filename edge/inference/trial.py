"""Try a model bundle on a face, in a process of its own: a network may crash the runtime that loads it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.errors import BundleError
from edge.inference.bundle import BundleFiles, ModelBundle
from edge.inference.card import parse_card
from edge.inference.native_stderr import native_stderr_hidden
from edge.inference.runtime import load_runtime

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TRIAL_S = 60.0
"""Seconds that a trial may take; a second on a Pi. A Pi Zero 2 W needs some to start Python."""

_TIMED = 10
"""Readings of which the fastest counts."""


@dataclass(frozen=True)
class BundleTrial:
    """What a bundle made of a face."""

    emotion: str
    """The most probable label."""

    probability: float
    milliseconds: float
    """Of one reading."""

    runtime: str
    """``litert 2.1.0``"""


def try_bundle(files: BundleFiles, face: NDArray[np.uint8], owner: tuple[int, int] | None = None) -> BundleTrial:
    """Return what a bundle makes of a face on this machine.

    Args:
        files: The bundle.
        face: ``(H, W)`` gray levels, of the card's input size.
        owner: User and group to become before anything is loaded; None: stay who we are.

    Raises:
        BundleError: It does not run, crashes the runtime, or its answers are no probabilities.
    """
    asked = {
        "path": str(files.path),
        "network": b64encode(files.content).decode(),
        "card": b64encode(files.card_text).decode(),
        "face": b64encode(face.tobytes()).decode(),
        "owner": owner,
    }
    # -P: modules come from the installation, not from the current folder.
    command = [sys.executable, "-P", "-m", __name__]
    try:
        done = subprocess.run(
            command, input=json.dumps(asked), capture_output=True, text=True, timeout=_TRIAL_S, check=False
        )
    except subprocess.TimeoutExpired:
        message = f"{files.path}: its network does not read a face within {_TRIAL_S:g} s"
        raise BundleError(message) from None
    if done.returncode < 0:
        message = f"{files.path}: its network crashes the runtime ({signal.Signals(-done.returncode).name})"
        raise BundleError(message)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        message = f"{files.path}: it cannot be tried: {reason}"
        raise BundleError(message)
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise BundleError(answer["error"])
    return BundleTrial(**answer)


def _become(owner: list[int]) -> None:
    os.setgroups([])
    os.setgid(owner[1])
    os.setuid(owner[0])


def _read_face(asked: dict[str, Any]) -> BundleTrial:
    path, text = Path(asked["path"]), b64decode(asked["card"])
    bundle = ModelBundle.from_files(BundleFiles(path, b64decode(asked["network"]), text, parse_card(text, path)))
    size = bundle.card.input
    face = np.frombuffer(b64decode(asked["face"]), np.uint8).reshape(1, size.height, size.width)
    times_s = []
    for _ in range(_TIMED):
        began_s = time.perf_counter()
        with native_stderr_hidden():
            read = bundle.read(face)
        times_s.append(time.perf_counter() - began_s)
    scores = [] if read.face_scores is None else [read.face_scores]
    if not all(np.isfinite(array).all() for array in (read.probabilities, *scores)):
        message = f"{path}: what it makes of a face are no probabilities"
        raise BundleError(message)
    best = int(read.probabilities[0].argmax())
    return BundleTrial(
        emotion=bundle.labels[best],
        probability=round(float(read.probabilities[0, best]), 3),
        milliseconds=round(1000 * min(times_s), 2),
        runtime=f"{bundle.network.runtime} {bundle.network.version}",
    )


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    load_runtime()  # first: the other user may not be able to read where it is installed
    if asked["owner"]:
        _become(asked["owner"])
    try:
        return asdict(_read_face(asked))
    except BundleError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_answer(json.load(sys.stdin))))
