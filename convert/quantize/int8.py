"""Full-integer int8 quantisation after training.

Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018; weights per channel, as in
Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference", 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.python import convert as tflite_convert
from tensorflow.lite.python import util

from convert.errors import ModelError
from convert.fold import PADDED
from convert.graph import Graph
from convert.load.export import refusal, tf
from edge.inference.native_stderr import native_stderr_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from convert.quantize.activations import Activation

Method = Literal["min-max", "percentile", "mse"]
"""How the range of an activation is chosen from what it held.

* ``min-max``: all of it.
* ``percentile``: without the outermost values, `_OUTERMOST` of them on each side.
* ``mse``: the range with the least mean squared error of a sample, clipping included
  (Banner et al., "Post training 4-bit quantization of convolutional networks for
  rapid-deployment", NeurIPS 2019, by search instead of by formula).
"""

Range = tuple[float, float]

_OUTERMOST = 1e-4
LEVELS = 255
"""Steps of an int8 range from its low to its high end."""
_PARTS = np.linspace(1.0, 0.05, 39).tolist()
"""The parts of the full range that ``mse`` tries, on each side."""

_GIVEN = dict.fromkeys(("pixels", PADDED), (0.0, 255.0))
"""The range of pixels is that of their type, so that their scale is 1; also with a border around them."""


def ranges(seen: Mapping[str, Activation], method: Method) -> dict[str, Range]:
    """Choose the range of every activation; all contain 0, which must have an exact form."""
    choose: dict[Method, Callable[[Activation], Range]] = {
        "min-max": lambda activation: (activation.low, activation.high),
        "percentile": _percentile,
        "mse": _least_error,
    }
    chosen = {name: choose[method](activation) for name, activation in seen.items()}
    # The answer is compared, not added up: what clips its largest value changes who wins.
    chosen |= {"logits": (seen["logits"].low, seen["logits"].high)} | _GIVEN
    return {name: (min(low, 0.0), max(high, 0.0)) for name, (low, high) in chosen.items()}


def _percentile(activation: Activation) -> Range:
    low, high = np.quantile(activation.sample, (_OUTERMOST, 1 - _OUTERMOST))
    return float(low), float(high)


def _least_error(activation: Activation) -> Range:
    """Search the low end and the high end in turn: what is cut off on the one side need not be on the other."""
    low, high = min(activation.low, 0.0), max(activation.high, 0.0)
    chosen = low, high
    for _ in range(2):
        chosen = min(((low * part, chosen[1]) for part in _PARTS), key=lambda tried: _error(activation.sample, tried))
        chosen = min(((chosen[0], high * part) for part in _PARTS), key=lambda tried: _error(activation.sample, tried))
    return chosen


def _error(sample: NDArray[np.float32], tried: Range) -> float:
    """Give the mean squared error of values in int8, 0 being exact."""
    low, high = tried
    step = max(high - low, 1e-12) / LEVELS
    zero_point = np.round(-low / step)
    rounded = (np.clip(np.round(sample / step) + zero_point, 0, LEVELS) - zero_point) * step
    return float(np.square(rounded - sample).mean())


def quantize(path: Path, content: bytes, chosen: Mapping[str, Range]) -> bytes:
    """Quantise a network.

    What has no integer form stays float, so that the checks can name it.

    Args:
        path: Where it came from, for messages.
        content: A float ``.tflite`` file whose input is ``pixels`` and whose output is ``logits``.
        chosen: The range of each activation, by its tensor's name.

    Returns:
        A ``.tflite`` file with uint8 input and int8 output.

    Raises:
        ModelError: TensorFlow cannot quantise this network.
    """
    graph = Graph(content)
    for index, tensor in enumerate(graph.tensors):
        if (found := chosen.get(graph.name(index))) and graph.constant(index) is None and graph.is_float(index):
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.min, tensor.quantization.max = np.array(found, np.float32).reshape(2, 1)
    with native_stderr_hidden():
        try:
            inside = tflite_convert.mlir_quantize(graph.to_bytes())
            content = util.modify_model_io_type(inside, tf.uint8, tf.int8)
        except (RuntimeError, ValueError, tflite_convert.ConverterError) as error:
            raise refusal(path, str(error)) from error
    finished = Graph(content)
    if len(finished.inputs) != 1 or len(finished.outputs) != 1:
        message = (
            f"{path}: TensorFlow's quantiser gave it {len(finished.inputs)} inputs and {len(finished.outputs)} outputs"
        )
        raise ModelError(message)
    finished.tensors[finished.outputs[0]].name = b"logits"
    finished.set_io(finished.inputs[0], finished.outputs[0])
    return finished.to_bytes()
