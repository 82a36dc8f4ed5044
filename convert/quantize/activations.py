"""What the operators of a network give when it sees faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from convert.graph import serialize
from edge.inference.native_stderr import native_stderr_hidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from convert.graph import Graph

_SAMPLE = 512
"""Values of each tensor that are kept of each face."""


@dataclass(frozen=True, eq=False)
class Activation:
    """What one tensor held, over all faces."""

    low: float
    high: float
    sample: NDArray[np.float32]
    """Some of its values, drawn at random."""

    channel_peaks: NDArray[np.float32]
    """``(C,)`` largest magnitude in each channel."""


class ActivationRecorder:
    """A network that keeps every tensor, run by TFLite's plain kernels.

    Attributes:
        names: Names of the tensors that operators write, in the order in which they are written.
    """

    def __init__(self, graph: Graph) -> None:
        """Load a network of one picture."""
        self.names = list(dict.fromkeys(tensor.name for operator in graph.operators for tensor in operator.outputs))
        with native_stderr_hidden():
            self._interpreter = Interpreter(
                model_content=serialize(graph),
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                experimental_preserve_all_tensors=True,
            )
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._details = {tensor["name"]: tensor for tensor in self._interpreter.get_tensor_details()}

    def run(self, face: NDArray[np.uint8]) -> None:
        """Run ``(H, W)`` gray levels through it."""
        self._interpreter.set_tensor(self._input["index"], face[None, :, :, None].astype(self._input["dtype"]))
        self._interpreter.invoke()

    def value(self, name: str) -> NDArray[np.float32]:
        """Return what a tensor holds now, dequantised."""
        details = self._details[name]
        found: NDArray[Any] = self._interpreter.get_tensor(details["index"])
        scale, zero_point = details["quantization"]
        return (found.astype(np.float32) - zero_point) * np.float32(scale) if scale else found.astype(np.float32)


def observe(
    graph: Graph, faces: NDArray[np.uint8], seed: int = 1, advance: Callable[[int], None] = lambda _: None
) -> dict[str, Activation]:
    """Run faces through a float network and return what every operator gave, by the tensors' names.

    Args:
        graph: A float network of gray levels.
        faces: ``(N, H, W)`` gray levels.
        seed: Of the draw of the values that are kept.
        advance: Called with the number of faces after each one.
    """
    recorder, random = ActivationRecorder(graph), np.random.default_rng(seed)
    places: dict[str, NDArray[np.intp]] = {}
    kept: dict[str, list[NDArray[np.float32]]] = {name: [] for name in recorder.names}
    lows = dict.fromkeys(recorder.names, np.float32(np.inf))
    highs = dict.fromkeys(recorder.names, np.float32(-np.inf))
    peaks: dict[str, NDArray[np.float32]] = {}
    for face in faces:
        recorder.run(face)
        for name in recorder.names:
            value = recorder.value(name)
            flat = value.reshape(-1)
            if name not in places:
                places[name] = random.permutation(flat.size)[:_SAMPLE]
                peaks[name] = np.zeros(value.shape[-1] if value.ndim else 1, np.float32)
            # Other places for other faces: a corner of the picture is like no other place.
            kept[name].append(flat[(places[name] + random.integers(flat.size)) % flat.size])
            by_channel = flat.reshape(-1, len(peaks[name]))
            low, high = by_channel.min(axis=0), by_channel.max(axis=0)
            lows[name], highs[name] = min(lows[name], low.min()), max(highs[name], high.max())
            np.maximum(peaks[name], np.maximum(high, -low), out=peaks[name])
        advance(1)
    return {
        name: Activation(float(lows[name]), float(highs[name]), np.concatenate(kept[name]), peaks[name])
        for name in recorder.names
    }


def signal_to_noise(reference: Graph, quantised: Graph, faces: NDArray[np.uint8]) -> dict[str, float]:
    """Return the signal-to-noise ratio of each tensor that both networks write, in dB, by the tensors' names.

    The signal is what the float network gives there, the noise what the integer one
    gives otherwise, errors of the layers before included.
    """
    first, second = ActivationRecorder(reference), ActivationRecorder(quantised)
    names = [name for name in first.names if name in second.names]
    signal, error = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for face in faces:
        first.run(face)
        second.run(face)
        for name in names:
            given = second.value(name)
            # The face's logit, one of the float network's outputs, is an output of its own.
            want = first.value(name).astype(np.float64).reshape(-1)[: given.size]
            signal[name] += float(np.square(want).sum())
            error[name] += float(np.square(given.reshape(-1) - want).sum())
    return {name: 10 * float(np.log10(max(signal[name], 1e-30) / max(error[name], 1e-30))) for name in names}
