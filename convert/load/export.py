"""From a TensorFlow function to a ``.tflite`` file."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import train.tensorflow_settings  # noqa: F401  # before TensorFlow

# isort: split
import tensorflow as tf
from tensorflow.lite.python.convert import ConverterError
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from convert.errors import ModelError
from convert.load.built import Built
from edge.inference.native_stderr import native_stderr_hidden
from edge.text import first_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from convert.load.layout import Layout

_BATCH = 32


def to_tflite(path: Path, function: Callable[[Any], Any], shape: Sequence[int], owner: Any) -> bytes:
    """Convert a function of pictures.

    Args:
        path: Where it came from, for messages.
        function: From ``(1, H, W, C)`` float32 to ``(1, K)``.
        shape: ``(H, W, C)``.
        owner: The object that holds its variables.

    Raises:
        ModelError: TFLite has no operator for something that it does; the message names it.
    """
    with _refusals(path):
        return bytes(_converter(function, shape, owner).convert())


def to_plain_int8(
    path: Path, function: Callable[[Any], Any], shape: Sequence[int], owner: Any, examples: NDArray[np.float32]
) -> bytes:
    """Convert to int8 as TensorFlow does by itself; no gate looks at it.

    Args:
        path: As of `to_tflite`, like the next three.
        function: See there.
        shape: See there.
        owner: See there.
        examples: ``(N, H, W, C)`` pictures that set the ranges.

    Raises:
        ModelError: As of `to_tflite`.
    """
    with _refusals(path):
        converter = _converter(function, shape, owner)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([example[None]] for example in examples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn what TensorFlow raises into a `ModelError`, and keep what it says to itself."""
    with native_stderr_hidden():
        try:
            yield
        except (ValueError, TypeError, RuntimeError, tf.errors.OpError, ConverterError) as error:
            raise refusal(path, error) from error


def _converter(function: Callable[[Any], Any], shape: Sequence[int], owner: Any) -> tf.lite.TFLiteConverter:
    """Return what converts a function of one picture, its weights frozen."""
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec((1, *shape), tf.float32, "pixels"))
    return tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(concrete)], owner)


def refusal(path: Path, error: Exception) -> ModelError:
    """Make one sentence of what TensorFlow says about a network that TFLite cannot run."""
    missing = sorted(set(re.findall(r"^\s*(?:TF Select|Custom) ops: (.+)$", str(error), re.MULTILINE)))
    if missing:
        return ModelError(f"{path}: TFLite has no operator for {printable(', '.join(missing), 200)}")
    said = str(error).strip()
    if said.startswith("in user code:"):  # a traceback follows, with what is wrong at its end
        return ModelError(f"{path}: TensorFlow cannot convert it: {printable(said.splitlines()[-1].strip(), 300)}")
    return ModelError(f"{path}: TensorFlow cannot convert it: {first_line(error)}")


def build(
    path: Path,
    function: Callable[[Any], Any],
    layout: Layout,
    shape: Sequence[int],
    owner: Any,
    freed: Callable[[Any], Any] | None = None,
) -> Built:
    """Convert a model, one picture at a time, and return it with what runs it by its own framework.

    Args:
        path: As of `to_tflite`, like `shape` and `owner`.
        function: From pictures as the layout says to ``(N, K)``.
        layout: How it takes pictures.
        shape: See there.
        owner: See there.
        freed: The same function for any number of pictures, if `function` insists on its batch.

    Raises:
        ModelError: As of `to_tflite`.
    """
    filled = _laid_out(function, layout)
    try:
        content = to_tflite(path, _laid_out(freed or function, replace(layout, batch=None)), shape, owner)
    except ModelError:
        if layout.batch in {None, 1}:
            raise
        content = to_tflite(path, filled, shape, owner)  # its batch is part of what it computes
    return Built(content, _batched(filled, layout.batch))


def _laid_out(function: Callable[[Any], Any], layout: Layout) -> Callable[[Any], Any]:
    """Return a function of ``(N, H, W, C)`` pictures for one that takes them in a layout of its own.

    Where that has a fixed batch, N is this at most, and the last picture is repeated to fill it.
    """

    def run(pictures: Any) -> Any:
        count = pictures.shape[0]
        laid = pictures if layout.channels_last else tf.transpose(pictures, layout.axes)
        if layout.batch is None or layout.batch == count:
            return function(laid)
        more = tf.repeat(laid[-1:], layout.batch - count, axis=0)
        return function(tf.concat([laid, more], axis=0))[:count]

    return run


def _batched(function: Callable[[Any], Any], batch: int | None) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function that runs any number of pictures through one of up to `batch`, or any, to ``(N, K)``."""
    step = batch or _BATCH

    def run(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = [function(tf.constant(pictures[i : i + step])) for i in range(0, len(pictures), step)]
        return tf.concat(parts, axis=0).numpy().reshape(len(pictures), -1)  # type: ignore[no-any-return]  # untyped

    return run


__all__ = ["build", "refusal", "tf", "to_plain_int8", "to_tflite"]
