"""Model bundles: a ``.tflite`` file and the card that says what it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.errors import BundleError
from edge.inference.runtime import Network, Runtime

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIPPED = Path(str(files("edge"))) / "models" / "emotion.tflite"
"""The bundle that is used unless another is named."""


FACE = "face"
"""The name of the output, and in training of the label, that a picture is a face at all."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", serialize_by_alias=True, populate_by_name=True)


class InputCard(_Part):
    """What the network wants to see."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    channels: Literal[1] = 1
    crop_margin: float = Field(default=0.0, ge=-0.5, le=1)
    """How much is added to the detector's box on each side, as a part of its width."""


class Calibration(_Part):
    """How logits become probabilities that mean what they say."""

    temperature: float = Field(gt=0)
    """Guo et al., "On Calibration of Modern Neural Networks", ICML 2017."""

    min_confidence: float = Field(ge=0, le=1)
    """Probability below which the answer is ``uncertain``."""

    min_face_score: float | None = Field(default=None, ge=0, le=1)
    """Probability below which a picture is taken to be no face; None: the model does not tell."""


class Card(_Part):
    """The bundle's ``.json``. Unknown keys are kept: a newer converter may say more."""

    version_of_card: Literal[1] = Field(default=1, alias="schema")
    name: str
    version: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the ``.tflite`` file."""

    labels: tuple[str, ...] = Field(min_length=2)
    input: InputCard
    calibration: Calibration
    trained: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    macs: int = Field(ge=0)
    parameters: int = Field(ge=0)
    bytes: int = Field(gt=0)
    operators: dict[str, int]
    min_runtime: str = ""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says of ``N`` pictures."""

    probabilities: NDArray[np.float32]
    """``(N, C)`` of the emotions, whether it is a face or not; each row sums to 1."""

    face_scores: NDArray[np.float32] | None = None
    """``(N,)`` probabilities that it is a face at all; None: the model does not tell."""


class ModelBundle:
    """A verified network with its card: crops in, calibrated probabilities out."""

    def __init__(self, card: Card, network: Network) -> None:
        self.card = card
        self.network = network

    @classmethod
    def load(cls, path: Path = SHIPPED, *, threads: int = 1, runtime: Runtime | None = None) -> ModelBundle:
        """Load ``NAME.tflite`` and the ``NAME.json`` beside it.

        Raises:
            BundleError: A file is missing, or hash, shapes, types or labels disagree;
                the message names what disagrees.
        """
        if not path.name:
            message = f"{path}: not a bundle; name its .tflite file"
            raise BundleError(message)
        card_path = path.with_suffix(".json")
        try:
            content = path.read_bytes()
            card = Card.model_validate_json(card_path.read_bytes())
        except OSError as error:
            message = f"{error.filename}: {error.strerror}; a bundle is NAME.tflite and NAME.json side by side"
            raise BundleError(message) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            message = f"{card_path}: not a model card: {where}: {first['msg']}"
            raise BundleError(message) from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != card.sha256:
            message = f"{path}: its sha256 is {digest[:12]}…, but {card_path.name} was made for {card.sha256[:12]}…"
            raise BundleError(message)
        try:
            network = Network(content, runtime, threads)
        except BundleError as error:
            message = f"{path}: {error}"
            raise BundleError(message) from error
        emotions = network.outputs - network.has_face
        if emotions != len(card.labels):
            message = f"{path}: {emotions} outputs, but {card_path.name} names {len(card.labels)} labels"
            raise BundleError(message)
        if network.has_face != (card.calibration.min_face_score is not None):
            has, says = ("a", "no") if network.has_face else ("no", "a")
            message = f"{path}: it has {has} face output, but {card_path.name} says {says} min_face_score"
            raise BundleError(message)
        if network.input_shape != (card.input.height, card.input.width):
            message = (
                f"{path}: its input is {network.input_shape[1]}x{network.input_shape[0]}, "
                f"but {card_path.name} says {card.input.width}x{card.input.height}"
            )
            raise BundleError(message)
        return cls(card, network)

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of the probabilities."""
        return self.card.labels

    @property
    def columns(self) -> tuple[str, ...]:
        """What each column of the network's logits tells: the emotions, and last `FACE` where it tells that."""
        return (*self.labels, FACE) if self.network.has_face else self.labels

    def read(self, faces: NDArray[np.uint8]) -> Answers:
        """Classify ``(N, H, W)`` gray levels, of the card's input size."""
        logits, count = self.network.logits(faces), len(self.labels)
        probabilities = softmax(logits[:, :count], self.card.calibration.temperature)
        return Answers(probabilities, sigmoid(logits[:, count]) if self.network.has_face else None)


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Turn ``(N, C)`` logits into probabilities."""
    scaled = np.exp((logits - logits.max(axis=1, keepdims=True)) / np.float32(temperature))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True), dtype=np.float32)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits of a yes into its probabilities."""
    return np.asarray(0.5 * (1 + np.tanh(logits / 2)), dtype=np.float32)  # which no logit overflows
