"""The wheels, the models and the pipeline on 64-bit Arm code, by emulation: answers as of a Pi, but no times."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convert.gates.limits import Limits
from edge.inference.bundle import ModelBundle
from edge.inference.runtime import installed
from tests.footage import needed
from tests.pi.arm64 import BOOKWORM, EMOTION_EDGE, MODULES, TRIXIE, ArmRoot, ArmSystem
from tests.pi.cache import scratch
from tests.pi.prerequisites import need, need_root
from train.datasets import load
from train.evaluate.metrics import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from train.datasets import Faces, LabelProtocol

BUNDLES = sorted((Path(__file__).parents[2] / "edge/models").glob("*.tflite"))
PROBE = Path(__file__).parent / "probes/read_faces.py"
FACES = 300

MAX_DROP = Limits().max_drop
"""Points of accuracy between Arm and x86: what int8 may lose by its card. Of 300 faces that is one."""

CHANCE = 0.05
"""Probability, by McNemar's exact test, from which a difference is chance."""

SYSTEMS = {"Bookworm": BOOKWORM, "Trixie": TRIXIE}


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> ArmSystem:
    need_root()
    need("mmdebstrap")
    need("qemu-aarch64-static", "qemu-aarch64")
    return SYSTEMS[str(request.param)]


@pytest.fixture(scope="module")
def arm(system: ArmSystem) -> Iterator[ArmRoot]:
    with scratch() as work:
        yield system.unpacked(work / "root")


def test_the_daemon_finds_the_test_cards_face_and_stops_in_order(arm: ArmRoot) -> None:
    daemon = arm.start(
        *EMOTION_EDGE,
        *("run", "--camera", "testcard", "--broker", "none", "--print"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert daemon.stdout
    first = json.loads(daemon.stdout.readline())
    daemon.send_signal(signal.SIGTERM)
    out, err = daemon.communicate(timeout=60)
    events = [first, *map(json.loads, out.splitlines())]
    assert daemon.returncode == 0, err
    assert [event["sequence"] for event in events] == list(range(len(events)))
    assert (first["type"], first["synthetic"]) == ("appeared", True)
    assert events[-1]["type"] == "gone"
    assert "Traceback" not in err


def test_bench_measures_every_stage(arm: ArmRoot) -> None:
    report = json.loads(arm.run(*EMOTION_EDGE, "bench", "--seconds", "10", "--json", "-"))
    assert report["device"]["runtime"].startswith("litert")
    assert {stage for stage, times in report["stages"].items() if times["count"]} >= {"capture", "detect", "classify"}


@dataclass(frozen=True)
class Beside:
    """What one bundle reads on Arm in one runtime, beside what it reads here."""

    python: str
    runtime: str
    version: str
    bundle: str
    faces: int
    arm_accuracy: float
    x86_accuracy: float
    top_agrees: int
    largest_difference: float
    """Of a probability."""

    p: float
    """By McNemar's exact test, of a difference of the accuracies as large by chance."""


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.stem)
def test_every_bundle_keeps_its_accuracy(
    arm: ArmRoot,
    system: ArmSystem,
    bundle: Path,
    tmp_path: Path,
    say: Callable[[str], None],
    keep: Callable[[str, Any], None],
) -> None:
    faces = some_faces(bundle)
    np.save(tmp_path / "faces.npy", faces.pixels)
    shutil.copy(tmp_path / "faces.npy", arm.path / "tmp/faces.npy")
    shutil.copy(PROBE, arm.path / "tmp/probe.py")
    wrong = []
    for runtime in system.runtimes:
        arm.run("/tmp/probe.py", runtime, f"/{MODULES}/edge/models/{bundle.name}", "/tmp/faces.npy", "/tmp/read.npz")  # noqa: S108  # the chroot's
        here = read_here(runtime, bundle, tmp_path)
        with np.load(arm.path / "tmp/read.npz") as there:
            found = beside(system.platform.python, bundle, faces, there, here)
        say(
            f"Python {found.python}, {found.runtime} {found.version}, {found.bundle}: {found.arm_accuracy:.2%} on Arm, "
            f"{found.x86_accuracy:.2%} on x86; {found.top_agrees} of {found.faces} answers alike, "
            f"p = {found.p:.2f}, largest difference of a probability {found.largest_difference:.3f}"
        )
        keep(f"arm64-{found.python}-{runtime}-{bundle.stem}", asdict(found))
        if 100 * abs(found.arm_accuracy - found.x86_accuracy) > MAX_DROP and found.p < CHANCE:
            wrong.append(found)
    assert not wrong


def some_faces(bundle: Path) -> Faces:
    """Return labelled faces that no bundle was trained on, evenly from all of FER2013's PublicTest."""
    protocol: LabelProtocol = "ferplus-majority" if "contempt" in ModelBundle.load(bundle).labels else "fer2013"
    faces = load(protocol, "PublicTest", needed("fer2013.tar.gz"), needed("fer2013new.csv"))
    return faces.select(np.linspace(0, len(faces) - 1, FACES).astype(np.intp))


def read_here(runtime: str, bundle: Path, folder: Path) -> dict[str, NDArray[Any]]:
    """Read the faces with the same code on this machine."""
    assert runtime in installed(), f"{runtime} is not installed here, so that there is nothing to hold Arm against"
    arguments = [PROBE, runtime, bundle, folder / "faces.npy", folder / "read.npz"]
    subprocess.run([sys.executable, *arguments], check=True, cwd=Path(__file__).parents[2])
    with np.load(folder / "read.npz") as read:
        return dict(read)


def beside(python: str, bundle: Path, faces: Faces, there: Any, here: dict[str, NDArray[Any]]) -> Beside:
    """Compare."""
    arm, x86 = there["probabilities"], here["probabilities"]
    labels = ModelBundle.load(bundle).labels
    truth = np.array([labels.index(faces.labels[each]) for each in faces.truth])
    assert (str(there["machine"]), str(there["version"])) == ("aarch64", str(here["version"]))
    assert arm.shape == x86.shape == (len(faces), len(labels))
    return Beside(
        python=python,
        runtime=str(there["runtime"]),
        version=str(there["version"]),
        bundle=bundle.stem,
        faces=len(faces),
        arm_accuracy=float((arm.argmax(axis=1) == truth).mean()),
        x86_accuracy=float((x86.argmax(axis=1) == truth).mean()),
        top_agrees=int((arm.argmax(axis=1) == x86.argmax(axis=1)).sum()),
        largest_difference=float(np.abs(arm - x86).max()),
        p=compare(arm, x86, truth).p,
    )
