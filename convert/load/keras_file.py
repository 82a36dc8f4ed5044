"""``.keras`` and ``.h5`` files."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import train.tensorflow_settings  # noqa: F401  # before Keras

# isort: split
import keras

from convert.errors import ModelError
from convert.load.config_check import CODE, check_keras
from convert.load.export import build
from convert.load.layout import CHANNELS, Layout
from convert.spec import FileFacts, ModelSpec
from edge.text import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convert.load.built import Built

_HALVES = frozenset({"bfloat16", "float16", "mixed_bfloat16", "mixed_float16"})


@dataclass(frozen=True, eq=False)
class KerasFile:
    """A loaded Keras model."""

    path: Path
    model: Any
    layout: Layout

    @property
    def facts(self) -> FileFacts:
        """What it says of itself."""
        given = self.layout
        return FileFacts(height=given.height, width=given.width, channels=given.channels, outputs=self.outputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its outputs; a Sequential has one without a name."""
        return tuple(getattr(self.model, "output_names", ["output"]))

    def build(self, spec: ModelSpec) -> Built:
        """Return the float network, and the model itself to compare it with."""
        number = self.outputs.index(spec.output)

        def outputs(pixels: Any) -> Any:
            return keras.tree.flatten(self.model(pixels, training=False))[number]

        return build(self.path, outputs, self.layout, (spec.height, spec.width, spec.channels), self.model)


def open_model(path: Path, *, trusted: bool = False) -> KerasFile:
    """Load a Keras model.

    Args:
        path: The file.
        trusted: Whether it may run code of its own.

    Raises:
        ModelError: It is none, not one of one picture, or it may run code and is not trusted.
    """
    if not trusted:
        check_keras(path)
    with _in_lower_case(path) as file:
        model = _load(path, file, trusted=trusted)
    model = _in_float32(path, model)
    if [getattr(tensor, "name", None) for tensor in getattr(model, "inputs", None) or ()] == ["landmarks"]:
        message = f"{path}: it takes landmarks, which another network has to find; a bundle takes pixels"
        raise ModelError(message)
    taken = getattr(model, "input_shape", None)
    layout = Layout.of(taken, usually_last=True) if isinstance(taken, tuple) and len(taken) == 4 else None
    if layout is None or layout.channels not in CHANNELS | {None}:
        message = f"{path}: its input is {taken}, but one picture, (None, height, width, 1 or 3), is wanted"
        raise ModelError(message)
    return KerasFile(path, model, layout)


def _in_float32(path: Path, model: Any) -> Any:
    """Return the model with every layer computing in float32, from where TFLite's quantiser starts.

    One that was trained with ``mixed_float16`` has float32 weights, and computes nearly the same.
    """
    if all(getattr(part, "compute_dtype", "float32") == "float32" for part in model._flatten_layers()):  # noqa: SLF001  # no public way reaches layers within layers
        return model
    try:
        rebuilt = type(model).from_config(_widened(model.get_config()))
        rebuilt.set_weights(model.get_weights())
    except Exception as error:  # Keras raises whatever its layers raise
        message = (
            f"{path}: it computes in half precision and cannot be rebuilt in float32 "
            f"({first_line(error)}); save it with the policy float32"
        )
        raise ModelError(message) from error
    return rebuilt


def _widened(config: Any) -> Any:
    """Return a description with float32 in place of every type and policy of half its width."""
    if isinstance(config, dict):
        return {key: _widened(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_widened(value) for value in config)
    return "float32" if isinstance(config, str) and config in _HALVES else config


def _load(path: Path, file: Path, *, trusted: bool) -> Any:
    """Load a file by Keras 3 or, what that does not read any more, by the Keras of old."""
    try:
        return keras.models.load_model(file, compile=False, safe_mode=not trusted)
    except Exception as error:  # noqa: BLE001  # Keras raises whatever its layers raise
        try:
            return _of_keras_2(file, error, trusted=trusted)
        except Exception:  # noqa: BLE001
            message = f"{path}: not a Keras model: {first_line(error)}"
            raise ModelError(message) from error


@contextmanager
def _in_lower_case(path: Path) -> Iterator[Path]:
    """Yield the file by a name with an ending in lower case, the only one that Keras knows."""
    if path.suffix == path.suffix.lower():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"model{path.suffix.lower()}"
        link.symlink_to(path.resolve())
        yield link


class _Refused:
    """Stands in the Keras of old, which knows no safe mode for HDF5 files, for the layers that run code."""

    @classmethod
    def from_config(cls, config: Any) -> Any:  # noqa: ARG003  # Keras gives it
        """Refuse to build it."""
        message = "a layer runs code of its own"
        raise ValueError(message)


def _of_keras_2(path: Path, error: Exception, *, trusted: bool) -> Any:
    """Load a file by the Keras of old, where it is installed, unless Keras 3 refused it for what it may run."""
    if path.suffix == ".keras" or "safe_mode" in str(error):
        raise error
    import tf_keras  # noqa: PLC0415  # wanted for old files alone

    refused = {} if trusted else dict.fromkeys(CODE, _Refused)
    return tf_keras.models.load_model(path, refused, compile=False, safe_mode=not trusted)
