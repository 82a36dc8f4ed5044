"""Full-integer int8 quantisation after training.

Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018; weights per channel, as in
Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference", 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.python import convert as tflite_convert
from tensorflow.lite.python import util

from convert.errors import ModelError
from convert.graph import LOGITS, parse, serialize
from convert.load.export import refusal, tf
from convert.quantize.ratios import widen
from edge.inference.native_stderr import native_stderr_hidden

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from convert.graph import Graph
    from convert.quantize.ranges import Range


def quantize(path: Path, network: Graph, chosen: Mapping[str, Range]) -> Graph:
    """Return a network of uint8 pixels and int8 outputs, made of a float one; that one stays as it is.

    What has no integer form stays float, so that a gate can name it.

    Args:
        path: Where it came from, for messages.
        network: A float network whose input is ``pixels`` and whose output is ``logits``.
        chosen: The range of each activation, by its tensor's name.

    Raises:
        ModelError: TensorFlow cannot quantise this network.
    """
    quantised = _quantize(path, network, chosen)
    wider = widen(quantised, chosen)
    return quantised if wider == chosen else _quantize(path, network, wider)


def _quantize(path: Path, network: Graph, chosen: Mapping[str, Range]) -> Graph:
    graph = network.copy()
    for tensor in graph.tensors:
        if (found := chosen.get(tensor.name)) and tensor.values is None and tensor.is_float:
            quantisation = tensor.record.quantization = schema.QuantizationParametersT()
            quantisation.min, quantisation.max = np.array(found, np.float32).reshape(2, 1)
    with native_stderr_hidden():
        try:
            inside = tflite_convert.mlir_quantize(serialize(graph))
            content = util.modify_model_io_type(inside, tf.uint8, tf.int8)
        except (RuntimeError, ValueError, tflite_convert.ConverterError) as error:
            raise refusal(path, error) from error
    quantised = parse(content)
    inputs, outputs = quantised.inputs, quantised.outputs
    if len(inputs) != 1 or len(outputs) != 1:
        message = f"{path}: TensorFlow's quantiser gave it {len(inputs)} inputs and {len(outputs)} outputs"
        raise ModelError(message)
    outputs[0].name = LOGITS
    quantised.set_io(inputs[0], outputs[0])
    return quantised
