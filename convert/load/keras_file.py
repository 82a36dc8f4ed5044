"""``.keras`` and ``.h5`` files."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import train.native_stderr  # noqa: F401  # before Keras

# isort: split
import keras

from convert.errors import ModelError
from convert.load.export import batched, to_tflite
from convert.spec import FileFacts, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KerasFile:
    """A loaded Keras model."""

    path: Path
    model: Any

    @property
    def facts(self) -> FileFacts:
        """What it says of itself."""
        _, height, width, channels = self.model.input_shape
        return FileFacts(height, width, channels, self.outputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its outputs; a Sequential has one without a name."""
        return tuple(getattr(self.model, "output_names", ["output"]))

    def build(self, spec: ModelSpec) -> tuple[bytes, Callable[[NDArray[np.float32]], NDArray[np.float32]]]:
        """Return the float ``.tflite`` file and the function that runs the model itself."""
        number = self.outputs.index(spec.output)

        def answer(pixels: Any) -> Any:
            return keras.tree.flatten(self.model(pixels, training=False))[number]

        shape = (spec.height, spec.width, spec.channels)
        return to_tflite(self.path, answer, shape, self.model), batched(answer, self.model.input_shape[0])


def open_model(path: Path) -> KerasFile:
    """Load a Keras model.

    Raises:
        ModelError: It is none, or not one of one picture.
    """
    try:
        model = keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        model = _of_keras_2(path)
        if model is None:
            message = f"{path}: not a Keras model: {str(error).strip().splitlines()[0]}"
            raise ModelError(message) from error
    taken = getattr(model, "input_shape", None)
    if not isinstance(taken, tuple) or len(taken) != 4 or taken[3] not in {1, 3, None}:
        message = f"{path}: its input is {taken}, but one picture, (None, height, width, 1 or 3), is wanted"
        raise ModelError(message)
    return KerasFile(path, model)


def _of_keras_2(path: Path) -> Any | None:
    """Load a file that Keras 3 does not read any more, by the Keras of old where it is installed."""
    if path.suffix == ".keras":
        return None
    try:
        import tf_keras  # noqa: PLC0415  # wanted for old files alone
    except ImportError:
        return None
    try:
        return tf_keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, KeyError):
        return None
