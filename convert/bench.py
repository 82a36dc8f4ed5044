"""Bundles side by side: what each knows, weighs and costs, timed in turn.

Each bundle, runtime and number of threads has a process of its own that waits for its
turn: a machine that is busy for a while is then busy for all of them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, get_args

import numpy as np
from rich.table import Column, Table

from convert import evaluate, int8_runtime
from convert.subprocesses import CHECKOUT, python
from edge.errors import BundleError
from edge.inference.bundle import ModelBundle
from edge.inference.runtime import Network, Runtime, installed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.inference.card import Card
    from edge.inference.outputs import OutputLabels
    from train.datasets import Faces, LabelProtocol, Split
    from train.progress import Stage

THREADS = (1, 2, 4)
PROTOCOLS: tuple[LabelProtocol, ...] = ("ferplus-majority", "fer2013")

_FACES = 20
"""Faces of one turn."""


@dataclass(frozen=True)
class BundleFigures:
    """One bundle's figures."""

    path: Path
    card: Card
    accuracy: dict[LabelProtocol, float]
    """On PrivateTest, int8 in the runtime that the edge would take."""

    milliseconds: dict[tuple[Runtime, int], float]
    """Median of a face, by runtime and threads."""


def benchmark(
    paths: Sequence[Path], tests: Mapping[tuple[Split, LabelProtocol], Faces], rounds: int, stage: Stage
) -> list[BundleFigures]:
    """Measure bundles.

    Args:
        paths: Their ``.tflite`` files.
        tests: The protocols' faces.
        rounds: Turns of each bundle, runtime and number of threads.
        stage: Tells how far it is.

    Raises:
        BundleError: One is no valid bundle, or a runtime refuses it.
    """
    bundles = [ModelBundle.load(path) for path in paths]
    accuracies = [_accuracies(path, bundle.outputs, tests, stage) for path, bundle in zip(paths, bundles, strict=True)]
    times = milliseconds_in_turn(paths, rounds, stage)
    return [
        BundleFigures(
            path, bundle.card, accuracy, {key[1:]: median(turns) for key, turns in times.items() if key[0] == number}
        )
        for number, (path, bundle, accuracy) in enumerate(zip(paths, bundles, accuracies, strict=True))
    ]


def _accuracies(
    path: Path, outputs: OutputLabels, tests: Mapping[tuple[Split, LabelProtocol], Faces], stage: Stage
) -> dict[LabelProtocol, float]:
    found: dict[LabelProtocol, float] = {}
    for protocol in PROTOCOLS:
        faces = tests["PrivateTest", protocol]
        advance = stage(f"{path.name}, {protocol}", len(faces))
        logits = int8_runtime.logits(path.read_bytes(), next(iter(installed())), faces.pixels, advance)
        found[protocol] = evaluate.count(logits, outputs, faces).accuracy
    return found


def milliseconds_in_turn(
    paths: Sequence[Path], rounds: int, stage: Stage
) -> dict[tuple[int, Runtime, int], list[float]]:
    """Return the milliseconds of each turn by the bundle's place, the runtime and its threads.

    Raises:
        BundleError: A runtime refuses a network.
    """
    keys = [(n, runtime, threads) for n in range(len(paths)) for runtime in installed() for threads in THREADS]
    advance = stage("milliseconds", rounds * len(keys))
    times: dict[tuple[int, Runtime, int], list[float]] = {key: [] for key in keys}
    with ExitStack() as stack:
        waiting = {}
        for number, runtime, threads in keys:
            command = python(__name__, paths[number].resolve(), runtime, threads)
            waiting[number, runtime, threads] = stack.enter_context(
                subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        for _ in range(rounds):
            for key, process in waiting.items():
                if process.stdin and process.stdout:
                    process.stdin.write("\n")
                    process.stdin.flush()
                    times[key].append(_milliseconds(process, paths[key[0]], key[1]))
                advance(1)
    return times


def _milliseconds(process: subprocess.Popen[str], path: Path, runtime: Runtime) -> float:
    """Return what a process that times a bundle says."""
    said = process.stdout.readline() if process.stdout else ""
    if not said:
        message = f"{path}: {runtime} refuses this network"
        raise BundleError(message)
    return float(said)


def as_table(rows: Sequence[BundleFigures], rounds: int) -> Table:
    """Lay the figures out, a column for each bundle."""
    bundles = (Column(str(row.path), overflow="fold") for row in rows)
    table = Table("", *bundles, caption=f"milliseconds: median of {rounds} turns of {_FACES} faces")
    for protocol in PROTOCOLS:
        table.add_row(f"{protocol}, PrivateTest", *(f"{row.accuracy[protocol]:.2%}" for row in rows))
    table.add_row("bytes", *(f"{row.card.bytes:,}" for row in rows))
    table.add_row("multiply-accumulates", *(f"{row.card.macs:,}" for row in rows))
    table.add_row("parameters", *(f"{row.card.parameters:,}" for row in rows))
    for runtime in get_args(Runtime):
        for threads in THREADS:
            if all((runtime, threads) in row.milliseconds for row in rows):
                cells = (f"{row.milliseconds[runtime, threads]:.3f}" for row in rows)
                table.add_row(f"ms a face, {runtime}, {threads} thread(s)", *cells)
    return table


def main(path: str, runtime: Runtime, threads: str) -> None:
    """Time faces whenever a line comes in, and write the milliseconds of one."""
    network = Network(Path(path).read_bytes(), runtime, int(threads))
    faces = np.random.default_rng(1).integers(0, 256, (_FACES, *network.input_shape), np.uint8)
    network.logits(faces)
    for _ in sys.stdin:
        start = time.perf_counter()
        network.logits(faces)
        print(1000 * (time.perf_counter() - start) / _FACES, flush=True)  # noqa: T201  # the pipe to benchmark()


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]  # benchmark() is the only caller
