"""The logits of a network for every set of faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convert import int8_runtime
from edge.vision.views import VIEWS
from train.evaluate.metrics import run_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from convert.faces import Key
    from edge.inference.outputs import Logits, OutputLabels
    from edge.inference.runtime import Runtime
    from train.datasets import Faces
    from train.progress import Stage


def logits_of(
    run: Callable[[NDArray[np.uint8]], NDArray[np.float32]], outputs: OutputLabels, tests: Mapping[Key, Faces]
) -> dict[Key, Logits]:
    """Return a network's logits for sets that share faces; `run` returns their columns."""
    return {key: outputs.split(columns) for key, columns in run_once(run, tests).items()}


def int8_logits(
    content: bytes, runtime: Runtime, outputs: OutputLabels, tests: Mapping[Key, Faces], stage: Stage
) -> dict[Key, Logits]:
    """Return the logits of an int8 network, a ``.tflite`` file's bytes, in one runtime."""
    advance = stage(f"test faces in {runtime}", count(tests))

    def run(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        return int8_runtime.logits(content, runtime, faces, advance).columns

    return logits_of(run, outputs, tests)


def int8_views(
    content: bytes, runtime: Runtime, outputs: OutputLabels, tests: Mapping[Key, Faces], stage: Stage
) -> dict[Key, tuple[Logits, ...]]:
    """Return the logits of an int8 network in one runtime for the faces in each of `VIEWS`."""
    advance = stage(f"four views in {runtime}", len(VIEWS) * count(tests))

    def run(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        views = int8_runtime.logits_of_views(content, runtime, faces, VIEWS, advance)
        return np.stack([view.columns for view in views], axis=1)

    found = run_once(run, tests)
    return {key: tuple(map(outputs.split, rows.transpose(1, 0, 2))) for key, rows in found.items()}


def count(tests: Mapping[Key, Faces]) -> int:
    """Return the number of faces of the largest set of each split: how many different ones there are, or nearly."""
    largest: dict[str, int] = {}
    for (split, _), faces in tests.items():
        largest[split] = max(largest.get(split, 0), len(faces))
    return sum(largest.values())
