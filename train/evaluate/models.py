"""Models in files, opened to be evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import keras
import numpy as np

from edge.files import is_there
from edge.inference.bundle import ModelBundle
from edge.text import first_line
from edge.vision.crops import all_resized
from train import report
from train.datasets import DataError, folders, sequences
from train.datasets.fer2013 import SIZE
from train.evaluate.protocols import SPLITS, evaluate_all, load_tests, measure_all, probabilities, which_right
from train.landmarks.models import FOUND, landmark_logits, takes_landmarks, with_mesh
from train.recipes import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from train.datasets import Faces, LabelProtocol, Split
    from train.evaluate.metrics import Logits, Metrics
    from train.recipes import DataConfig

_BATCH = 256
"""Pictures of 48x48 pixels; of larger ones fewer."""

_PART = 4096


@dataclass(frozen=True)
class OpenedModel:
    """A model that can be run on faces of any size."""

    logits: Logits
    """A bundle's are divided by its temperature."""

    labels: tuple[str, ...]
    priors: dict[str, float]
    """Share of each emotion that it came to expect; empty if it is not known."""

    balance: float = 0.0
    """The tau of logit adjustment that it ships with."""

    landmarks: bool = False
    """Whether it sees faces by their landmarks, which changed pictures do not have."""


def open_model(path: Path) -> OpenedModel:
    """Return the model in a file.

    Args:
        path: A bundle's ``.tflite``, or a ``.keras`` file with its report beside it.

    Raises:
        BundleError: It is no valid bundle.
        DataError: It is no Keras model, or there is no report beside it.
    """
    if path.suffix == ".tflite":
        bundle = ModelBundle.load(path)
        calibration, size = bundle.card.calibration, (bundle.card.input.width, bundle.card.input.height)

        def logits(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            return bundle.network.logits(all_resized(pixels, *size)).columns / np.float32(calibration.temperature)

        priors = dict(zip(bundle.labels, calibration.priors or (), strict=False))
        return OpenedModel(logits, bundle.outputs.columns, priors, calibration.balance)
    model, written = _load(path)
    return OpenedModel(keras_logits(model), written.labels, written.priors, landmarks=takes_landmarks(model))


def load_keras(path: Path) -> tuple[keras.Model, tuple[str, ...]]:
    """Return the network in a ``.keras`` file, and the labels in the report beside it; errors as of `open_model`."""
    model, written = _load(path)
    if takes_landmarks(model):
        message = f"{path}: it takes landmarks, not pictures; 'evaluate' shows how accurate it is on FER2013"
        raise DataError(message)
    return model, written.labels


def _load(path: Path) -> tuple[keras.Model, report.TrainingReport]:
    written = report.read(path.with_suffix(".json"))
    try:
        return keras.models.load_model(path, compile=False), written
    except Exception as error:  # Keras raises whatever zipfile, h5py and its layers raise
        message = f"{path}: not a Keras model: {first_line(error)}"
        raise DataError(message) from error


def keras_logits(model: keras.Model) -> Logits:
    """Return the function from ``(N, H, W)`` gray levels to the Keras model's logits; pictures get the model's size.

    A model over frames sees each picture as the first frame of a track.
    """
    if takes_landmarks(model):
        return landmark_logits(model)
    height, width = model.input_shape[-3:-1]
    over_frames = len(model.input_shape) > 4
    batch = max(1, _BATCH * SIZE**2 // (height * width))

    def logits(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        # In parts, as thousands of enlarged pictures fill the memory.
        parts = (pixels[start : start + _PART] for start in range(0, len(pixels), _PART))
        seen = (all_resized(part, width, height)[..., None] for part in parts)
        if over_frames:
            seen = (pictures[:, None] for pictures in seen)
        found = np.concatenate(
            [model.predict(pictures, batch_size=batch, verbose=0) for pictures in seen], dtype=np.float32
        )
        return found[:, 0] if over_frames else found

    return logits


class Evaluation(TypedDict):
    """What a report says of a model's answers; fields of `train.report.TrainingReport`."""

    metrics: dict[str, dict[str, Metrics]]
    which_right: dict[Split, str]


def evaluate_keras(
    model: keras.Model, labels: Sequence[str], tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> Evaluation:
    """Return a Keras model's metrics; of landmarks also those of the faces that have some.

    Args:
        model: From pictures, or landmarks, to logits.
        labels: Of the logits; `FACE` may be among them.
        tests: The faces of each split and protocol.
    """
    logits = keras_logits(model)
    answers = probabilities(logits, tests)
    metrics = measure_all(answers, labels, tests)
    if takes_landmarks(model):
        metrics |= of_mesh(logits, labels, tests)
    return {"metrics": metrics, "which_right": which_right(answers, labels, tests)}


def of_mesh(
    logits: Logits, labels: Sequence[str], tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> dict[str, dict[str, Metrics]]:
    """Return the metrics of a model of landmarks on the faces that have some; arguments as of `evaluate_all`."""
    found = evaluate_all(logits, labels, {key: with_mesh(faces) for key, faces in tests.items()})
    return {f"{split}, {FOUND}": protocols for split, protocols in found.items()}


def faces_to_test(data: DataConfig, fer2013_file: Path, ferplus_file: Path) -> dict[tuple[Split, LabelProtocol], Faces]:
    """Return the faces that a recipe's model is evaluated on: those of `load_tests`, or of its own folder."""
    if data.folder and data.tracks:
        return {(split, "folder"): sequences.load(REPOSITORY / data.folder, split).peaks for split in SPLITS}
    if data.folder:
        return {(split, "folder"): folders.load(REPOSITORY / data.folder, split) for split in SPLITS}
    return load_tests(fer2013_file, ferplus_file if data.uses_votes or is_there(ferplus_file) else None)
