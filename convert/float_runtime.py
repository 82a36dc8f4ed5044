"""Run a float network in LiteRT, as `edge.inference.runtime` runs an integer one."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from convert.graph import serialize
from edge.inference.native_stderr import native_stderr_hidden
from edge.vision.crops import all_resized

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from convert.graph import Graph

_STEP = 32
"""Faces between two reports of progress; also the fewest that are worth a thread."""


def logits(
    graph: Graph, faces: NDArray[np.uint8], advance: Callable[[int], None] = lambda _: None
) -> NDArray[np.float32]:
    """Run a float network of gray levels, on all cores.

    Args:
        graph: The network, with one float32 input and output.
        faces: ``(N, H, W)`` gray levels of any size.
        advance: Called with how many more faces are done.

    Returns:
        ``(N, K)`` logits.
    """
    content = serialize(graph)

    def run(part: NDArray[np.uint8]) -> NDArray[np.float32]:
        network = FloatNetwork(content)
        height, width = network.input_shape
        rows = np.empty((len(part), network.outputs), np.float32)
        for start in range(0, len(part), _STEP):
            sized = all_resized(part[start : start + _STEP], width, height)
            rows[start : start + _STEP] = network.run(sized[..., None].astype(np.float32))
            advance(len(sized))
        return rows

    parts = np.array_split(faces, max(1, min(os.cpu_count() or 1, len(faces) // _STEP)))
    with ThreadPoolExecutor(len(parts)) as pool:
        return np.concatenate(list(pool.map(run, parts)))


class FloatNetwork:
    """A loaded float network in LiteRT: pictures in, one row of outputs each out.

    Attributes:
        input_shape: ``(H, W)`` of a picture.
        outputs: Number of outputs.
    """

    def __init__(self, content: bytes) -> None:
        """Load it; `content` is a ``.tflite`` file of one float32 input and output."""
        with native_stderr_hidden():  # it reports its XNNPACK delegate
            self._interpreter = Interpreter(model_content=content)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.input_shape: tuple[int, int] = (int(self._input["shape"][1]), int(self._input["shape"][2]))
        self.outputs = int(np.prod(self._output["shape"]))

    def run(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the ``(N, K)`` outputs for ``(N, H, W, C)`` pictures."""
        rows = np.empty((len(pictures), self.outputs), np.float32)
        for row, picture in zip(rows, pictures, strict=True):
            self._interpreter.set_tensor(self._input["index"], picture[np.newaxis])
            self._interpreter.invoke()
            row[:] = self._interpreter.get_tensor(self._output["index"]).reshape(-1)
        return rows
