"""Read a trained model and its report. The one place of the project that imports TensorFlow."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import train.quiet  # noqa: F401  # before TensorFlow

# isort: split
import keras
import tensorflow as tf

from edge.errors import EdgeError
from train import report as reports

if TYPE_CHECKING:
    from pathlib import Path

    from train.report import Report


class ModelError(EdgeError):
    """The model cannot be converted; the message is for a person."""

    exit_code = 2


@dataclass(frozen=True, eq=False)
class FloatModel:
    """A trained network and what is known of it."""

    network: keras.Model
    """From ``(N, H, W, 1)`` gray levels 0..255 to ``(N, C)`` logits, in float32."""

    report: Report

    @property
    def labels(self) -> tuple[str, ...]:
        """The ``C`` labels, in the order of the logits."""
        return self.report.labels


def load(path: Path) -> FloatModel:
    """Load ``NAME.keras`` and the ``NAME.json`` that training wrote beside it.

    Raises:
        ModelError: It is not a Keras model of one gray picture and the report's labels.
        DataError: The report is missing or damaged.
    """
    if path.suffix != ".keras":
        message = f"{path}: a .keras file is wanted, with its report {path.stem}.json beside it"
        raise ModelError(message)
    if not path.is_file():
        message = f"{path}: there is no such file; 'python -m train fit' writes it"
        raise ModelError(message)
    report = reports.read(path.with_suffix(".json"))
    try:
        network = keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        message = f"{path}: not a Keras model: {str(error).splitlines()[0]}"
        raise ModelError(message) from error
    _check(network, path, len(report.labels))
    return FloatModel(network, report)


def _check(network: keras.Model, path: Path, labels: int) -> None:
    taken, given = network.input_shape, network.output_shape
    if not isinstance(taken, tuple) or len(taken) != 4 or taken[3] != 1 or None in taken[1:]:
        message = f"{path}: its input is {taken}, but one gray picture, (None, height, width, 1), is wanted"
        raise ModelError(message)
    if not isinstance(given, tuple) or given[1:] != (labels,):
        message = f"{path}: its output is {given}, but its report names {labels} labels"
        raise ModelError(message)


def converter(network: keras.Model, folder: Path) -> Any:
    """Export the network for one picture at a time and give TensorFlow's converter for it.

    Args:
        network: The float network.
        folder: Where the SavedModel goes; it must live until the conversion is done.
    """
    pixels = keras.Input(network.input_shape[1:], batch_size=1, name="pixels")
    # A name of its own: an automatic one counts up, and tensors carry it into the file.
    named = keras.Model(pixels, {"logits": network(pixels)}, name="network")
    signature = [keras.InputSpec(shape=pixels.shape, dtype="float32", name="pixels")]
    named.export(folder, format="tf_saved_model", verbose=False, input_signature=signature)
    return tf.lite.TFLiteConverter.from_saved_model(str(folder))


__all__ = ["FloatModel", "ModelError", "converter", "load", "tf"]
