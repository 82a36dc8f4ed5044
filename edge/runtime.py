"""The TFLite runtimes: one network, bytes in, logits out.

LiteRT and tflite-runtime differ in speed (about twenty times here) and in
rounding, so both are named wherever a figure is given.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge.errors import BundleError
from edge.quiet import native_stderr_hidden

if TYPE_CHECKING:
    from numpy.typing import NDArray

Runtime = Literal["litert", "tflite-runtime"]

_PACKAGES: dict[Runtime, tuple[str, str]] = {
    "litert": ("ai-edge-litert", "ai_edge_litert.interpreter"),
    "tflite-runtime": ("tflite-runtime", "tflite_runtime.interpreter"),
}

_IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every TFLite file (a FlatBuffers file identifier)."""


def installed() -> dict[Runtime, str]:
    """Give the version of each runtime that is installed, the preferred one first."""
    found: dict[Runtime, str] = {}
    for runtime, (package, _) in _PACKAGES.items():
        try:
            found[runtime] = version(package)
        except PackageNotFoundError:
            continue
    return found


class Network:
    """A loaded ``.tflite`` file: gray faces in, logits out.

    Attributes:
        runtime: Which runtime executes it.
        version: That runtime's version.
        input_shape: ``(H, W)`` of a face.
        outputs: Number of logits.
    """

    def __init__(self, content: bytes, runtime: Runtime | None = None, threads: int = 1) -> None:
        """Load a network.

        Args:
            content: A ``.tflite`` file's bytes.
            runtime: The one to use, or None for the fastest that is installed.
            threads: Threads for one forward pass.

        Raises:
            BundleError: It is not a TFLite file, no runtime is installed, or the
                tensors are not as the bundle's contract says.
        """
        available = installed()
        if runtime is None:
            runtime = next(iter(available), None)
        if runtime is None or runtime not in available:
            message = f"the runtime {runtime or 'for TFLite files'} is not installed; 'pip install ai-edge-litert'"
            raise BundleError(message)
        if content[4:8] != _IDENTIFIER:
            message = "not a TFLite file"
            raise BundleError(message)
        self.runtime: Runtime = runtime
        self.version = available[runtime]
        interpreter_class = importlib.import_module(_PACKAGES[runtime][1]).Interpreter
        try:
            with native_stderr_hidden():  # it tells of its XNNPACK delegate
                self._interpreter = interpreter_class(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            message = f"{runtime} {self.version} cannot load it: {error}"
            raise BundleError(message) from error
        self._input = self._check_input(self._interpreter.get_input_details())
        self._logits = self._check_logits(self._interpreter.get_output_details())
        self.input_shape: tuple[int, int] = (int(self._input["shape"][1]), int(self._input["shape"][2]))
        self.outputs = int(self._logits["shape"][1])

    @staticmethod
    def _check_input(details: list[dict[str, Any]]) -> dict[str, Any]:
        shapes = [tuple(int(n) for n in tensor["shape"]) for tensor in details]
        if len(details) != 1 or len(shapes[0]) != 4 or shapes[0][0] != 1 or shapes[0][3] != 1:
            message = f"its inputs are {shapes}, but one of [1, height, width, 1] is wanted"
            raise BundleError(message)
        tensor = details[0]
        scale, zero_point = tensor["quantization"]
        if tensor["dtype"] != np.uint8 or (scale, zero_point) != (1.0, 0):
            kind = np.dtype(tensor["dtype"]).name
            message = (
                f"its input is {kind} with scale {scale} and zero point {zero_point}, but uint8, 1 and 0 are wanted"
            )
            raise BundleError(message)
        return tensor

    @staticmethod
    def _check_logits(details: list[dict[str, Any]]) -> dict[str, Any]:
        if len(details) != 1:
            message = f"it has {len(details)} outputs, but one of [1, labels] is wanted"
            raise BundleError(message)
        tensor = details[0]
        shape = tuple(int(n) for n in tensor["shape"])
        if tensor["dtype"] != np.int8 or len(shape) != 2 or shape[0] != 1:
            kind = np.dtype(tensor["dtype"]).name
            message = f"its output is {kind} {list(shape)}, but int8 [1, labels] is wanted"
            raise BundleError(message)
        return tensor

    def logits(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network on each face.

        Args:
            faces: ``(N, H, W)`` gray levels.

        Returns:
            ``(N, C)`` dequantised logits.
        """
        scale, zero_point = self._logits["quantization"]
        result = np.empty((len(faces), self.outputs), np.float32)
        for row, face in zip(result, faces, strict=True):
            self._interpreter.set_tensor(self._input["index"], face[np.newaxis, :, :, np.newaxis])
            self._interpreter.invoke()
            row[:] = (self._interpreter.get_tensor(self._logits["index"])[0].astype(np.float32) - zero_point) * scale
        return result
