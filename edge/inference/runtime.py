"""The TFLite runtimes: one network, bytes in, logits out.

LiteRT and tflite-runtime differ in speed (on x86 LiteRT is seven to nine times as fast, ``make bench-convert``) and in
rounding, so every figure names the runtime.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge.errors import BundleError
from edge.inference.native_stderr import native_stderr_hidden
from edge.inference.outputs import Logits
from edge.system.packages import pip_install

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
    """Return the version of each runtime that is installed, the preferred one first."""
    versions = {runtime: _version_of(package) for runtime, (package, _) in _PACKAGES.items()}
    return {runtime: found for runtime, found in versions.items() if found}


def load_runtime() -> None:
    """Load the preferred runtime, so that it need not be found later."""
    for runtime in list(installed())[:1]:
        _interpreter_class(runtime)


@cache
def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _interpreter_class(runtime: Runtime) -> Any:
    return importlib.import_module(_PACKAGES[runtime][1]).Interpreter


@dataclass(frozen=True)
class OpenInterpreter:
    """A network in the runtime that runs it."""

    interpreter: Any
    """The runtime's ``Interpreter``, its tensors allocated."""

    runtime: Runtime
    version: str
    """The runtime's."""


def open_interpreter(content: bytes, runtime: Runtime | None = None, threads: int = 1) -> OpenInterpreter:
    """Load a network of any inputs and outputs.

    Args:
        content: A ``.tflite`` file's bytes.
        runtime: The one to use, or None for the fastest that is installed.
        threads: Threads for one forward pass.

    Raises:
        BundleError: It is not a TFLite file, or no runtime is installed.
    """
    available = installed()
    if runtime is None:
        runtime = next(iter(available), None)
    if runtime is None or runtime not in available:
        package = _PACKAGES[runtime or "litert"][0]
        message = f"the runtime {runtime or 'for TFLite files'} is not installed: {pip_install(package)}"
        raise BundleError(message)
    if content[4:8] != _IDENTIFIER:
        message = "not a TFLite file"
        raise BundleError(message)
    interpreter_class = _interpreter_class(runtime)
    try:
        with native_stderr_hidden():  # it logs its XNNPACK delegate
            interpreter = interpreter_class(model_content=content, num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        message = f"{runtime} {available[runtime]} cannot load it: {error}"
        raise BundleError(message) from error
    return OpenInterpreter(interpreter, runtime, available[runtime])


class Network:
    """A loaded ``.tflite`` file: gray faces in, logits out.

    Attributes:
        runtime: Which runtime executes it.
        version: That runtime's version.
        input_shape: ``(H, W)`` of a face.
        emotions: Number of emotions.
        has_face: Whether it also tells if a picture is a face at all.
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
        opened = open_interpreter(content, runtime, threads)
        self.runtime: Runtime = opened.runtime
        self.version = opened.version
        self._interpreter = opened.interpreter
        self._input = self._check_input(self._interpreter.get_input_details())
        self._logits, *face = self._check_outputs(self._interpreter.get_output_details())
        self._face = face[0] if face else None
        self.input_shape: tuple[int, int] = (int(self._input["shape"][1]), int(self._input["shape"][2]))
        self.has_face = self._face is not None
        self.emotions = int(self._logits["shape"][1])

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
    def _check_outputs(details: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the emotions' output and, if there is one, the face's output, which has a single column."""
        for tensor in details:
            shape = [int(n) for n in tensor["shape"]]
            if tensor["dtype"] != np.int8 or len(shape) != 2 or shape[0] != 1:
                kind = np.dtype(tensor["dtype"]).name
                message = f"its output is {kind} {shape}, but int8 [1, labels] is wanted"
                raise BundleError(message)
        wide_first = sorted(details, key=lambda tensor: -int(tensor["shape"][1]))
        if len(details) not in {1, 2} or (len(details) == 2 and int(wide_first[1]["shape"][1]) != 1):
            shapes = [[int(n) for n in tensor["shape"]] for tensor in details]
            message = f"its outputs are {shapes}, but one of [1, labels] is wanted, and one of [1, 1] at most"
            raise BundleError(message)
        return wide_first

    def logits(self, faces: NDArray[np.uint8]) -> Logits:
        """Run the network on each face; several in one call took as long (0.148 ms a face instead of 0.150).

        Args:
            faces: ``(N, H, W)`` gray levels.

        Returns:
            The ``N`` dequantised logits.
        """
        emotions = np.empty((len(faces), self.emotions), np.float32)
        face_logits = np.empty(len(faces), np.float32) if self._face else None
        for row, face in enumerate(faces):
            self._interpreter.set_tensor(self._input["index"], face[np.newaxis, :, :, np.newaxis])
            self._interpreter.invoke()
            emotions[row] = self._dequantised(self._logits)
            if self._face and face_logits is not None:
                face_logits[row] = self._dequantised(self._face)[0]
        return Logits(emotions, face_logits)

    def _dequantised(self, tensor: dict[str, Any]) -> NDArray[np.float32]:
        scale, zero_point = tensor["quantization"]
        levels = self._interpreter.get_tensor(tensor["index"])[0].astype(np.float32)
        return np.asarray((levels - zero_point) * scale, np.float32)
