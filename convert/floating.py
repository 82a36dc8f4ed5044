"""Run a float ``.tflite`` file, as `edge.runtime` runs an integer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edge.quiet import native_stderr_hidden

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FloatNetwork:
    """A loaded float network in LiteRT: pictures in, one row of answers each out.

    Attributes:
        input_shape: ``(H, W)`` of a picture.
        outputs: Number of answers.
    """

    def __init__(self, content: bytes) -> None:
        """Load it; `content` is a ``.tflite`` file of one float32 input and output."""
        with native_stderr_hidden():  # it tells of its XNNPACK delegate
            self._interpreter = Interpreter(model_content=content)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.input_shape: tuple[int, int] = (int(self._input["shape"][1]), int(self._input["shape"][2]))
        self.outputs = int(np.prod(self._output["shape"]))

    def logits(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run ``(N, H, W)`` gray levels through a network that takes them; ``(N, K)``."""
        return self.run(faces[..., None].astype(np.float32))

    def run(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run ``(N, H, W, C)`` pictures; ``(N, K)``."""
        rows = np.empty((len(pictures), self.outputs), np.float32)
        for row, picture in zip(rows, pictures, strict=True):
            self._interpreter.set_tensor(self._input["index"], picture[np.newaxis])
            self._interpreter.invoke()
            row[:] = self._interpreter.get_tensor(self._output["index"]).reshape(-1)
        return rows
