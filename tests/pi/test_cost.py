"""Instructions a frame on Arm code, ours beside other searches: the ratio that a Pi would see, and no time.

The counter is read before and after the frames of each method, in one process: what is loaded before is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.bench.methods import MethodName
from edge.testcard import Scene
from tests.pi.arm64 import COUNTED, ArmRoot
from tests.pi.cache import scratch
from tests.pi.prerequisites import need, need_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

PROBES = Path(__file__).parent / "probes"
BLAZEFACE = Path(__file__).parents[2] / "runs/blazeface/face_detection_short_range.tflite"

FPS = 15.0
"""The daemon's default."""

FRAMES = 120
"""Counted: 2.5 s with a face, 1 s in which it leaves, 3 s of an empty room, and 1.5 s in which it comes back."""

EVERY = 4
"""Of the methods that remember nothing of other frames, every fourth frame is counted, from all parts of the scene."""

PROCESSORS = {"cortex-a72": "Pi 4", "cortex-a76": "Pi 5"}


@pytest.fixture(scope="module")
def counted() -> Iterator[ArmRoot]:
    """A system whose emulator counts, with the frames in it."""
    need_root()
    need("mmdebstrap")
    need("qemu-aarch64-static", "qemu-aarch64")
    if not BLAZEFACE.exists():
        pytest.skip("RUNG NOT RUN: BlazeFace's file is missing; 'make blazeface' gets it")
    with scratch() as work:
        arm = COUNTED.unpacked(work / "root")
        shared = arm.path / "tmp"
        plugin = [need("gcc", "cc"), "-shared", "-fPIC", "-O2", "-Wall", "-Werror"]
        subprocess.run([*plugin, PROBES / "instructions.c", "-o", shared / "instructions.so"], check=True)
        shutil.copy(PROBES / "process_frames.py", shared)
        shutil.copy(BLAZEFACE, shared / "blazeface.tflite")
        np.save(shared / "frames.npy", frames())
        yield arm


def test_every_method_costs_instructions(
    counted: ArmRoot, say: Callable[[str], None], keep: Callable[[str, Any], None]
) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(
            zip(PROCESSORS, pool.map(lambda cpu: instructions_per_frame(counted, cpu), PROCESSORS), strict=True)
        )
    per_frame = {(cpu, method): n for cpu, methods in counts.items() for method, n in methods.items()}
    keep("cost", [{"processor": cpu, "method": method, "instructions": n} for (cpu, method), n in per_frame.items()])
    for cpu, pi in PROCESSORS.items():
        figures = ", ".join(f"{method} {per_frame[cpu, method] / 1e6:.2f}" for method in MethodName)
        say(f"cost: million instructions a frame on {cpu} ({pi}): {figures}")
        # The counter counts: a search of larger pictures for smaller faces is dearer by far.
        assert per_frame[cpu, MethodName.NAIVE] > 2 * per_frame[cpu, MethodName.TUNED] > 0
        assert per_frame[cpu, MethodName.OURS] > 0


def frames() -> NDArray[np.uint8]:
    """Return the test card's frames around the moment at which the person leaves, and one before as a warm-up."""
    scene = Scene()
    begin_s = scene.leaves_s - 2.5
    return np.stack([scene.render(begin_s + n / FPS) for n in range(FRAMES + 1)])


def instructions_per_frame(arm: ArmRoot, processor: str) -> dict[MethodName, float]:
    """Return how many instructions each method takes for a frame."""
    emulator = ("/usr/bin/qemu-aarch64", "-cpu", processor, "-plugin", "/tmp/instructions.so")  # noqa: S108  # the chroot's
    program = ("/tmp/process_frames.py", "/tmp/frames.npy", str(FPS), str(EVERY), "/tmp/blazeface.tflite")  # noqa: S108
    done = subprocess.run(arm.command(*program, emulator=emulator), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    marks = [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("instructions: ")]
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(marks) == 2 * len(lines) == 2 * len(MethodName), done.stderr[-2000:]
    found = {}
    for (name, frames, seen), begin, end in zip(lines, marks[::2], marks[1::2], strict=True):
        assert int(seen) >= int(frames) / 4, f"{name} found a face in {seen} of {frames} frames: its cost says nothing"
        found[MethodName(name)] = (end - begin) / int(frames)
    return found
