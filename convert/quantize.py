"""Full-integer int8 quantisation after training.

Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018; weights per channel, as in
Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference", 2018.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convert.load import ModelError, converter, tf
from edge.quiet import native_stderr_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    from numpy.typing import NDArray


def quantize(network: keras.Model, representative: NDArray[np.uint8]) -> bytes:
    """Quantise a network.

    What has no integer form stays float, so that the checks can name it.

    Args:
        network: From ``(N, H, W, 1)`` float32 gray levels to ``(N, C)`` logits.
        representative: ``(N, H, W)`` gray levels that show the activations' ranges.

    Returns:
        A ``.tflite`` file with uint8 input and int8 output.

    Raises:
        ModelError: TensorFlow cannot convert this network.
    """

    def pictures() -> Iterator[list[NDArray[np.float32]]]:
        for face in representative:
            yield [face[None, ..., None].astype(np.float32)]

    with tempfile.TemporaryDirectory() as folder, native_stderr_hidden():
        conversion = converter(network, Path(folder))
        conversion.optimizations = [tf.lite.Optimize.DEFAULT]
        conversion.representative_dataset = pictures
        conversion.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
            tf.lite.OpsSet.TFLITE_BUILTINS,
        ]
        conversion.inference_input_type = tf.uint8
        conversion.inference_output_type = tf.int8
        try:
            return bytes(conversion.convert())
        except (RuntimeError, ValueError) as error:
            message = f"TensorFlow cannot convert this network: {str(error).splitlines()[0]}"
            raise ModelError(message) from error
