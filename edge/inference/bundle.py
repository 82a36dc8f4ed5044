"""Model bundles: a ``.tflite`` file and the card that says what it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import BundleError, ConfigError
from edge.files import read_regular
from edge.inference.adjustment import logit_adjustment
from edge.inference.card import parse_card, read_card_text
from edge.inference.outputs import OutputLabels, Predictions
from edge.inference.runtime import Network, Runtime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.config import EmotionConfig
    from edge.inference.card import Card

SHIPPED = Path(str(files("edge"))) / "models" / "emotion.tflite"
"""The bundle that is used unless another is named."""

_MOST_BYTES = 128 * 1024 * 1024
"""Of a ``.tflite`` file. A Pi Zero 2 W has 512 MB for everything."""


@dataclass(frozen=True)
class BundleFiles:
    """A bundle's two files, of which the card is checked and the network is not yet loaded."""

    path: Path
    """Of the ``.tflite`` file."""

    content: bytes
    """Of the ``.tflite`` file; its hash is the card's."""

    card_text: bytes
    card: Card


def read_files(path: Path) -> BundleFiles:
    """Read ``NAME.tflite`` and the ``NAME.json`` beside it.

    Raises:
        BundleError: A file is missing, the card is invalid, or its hash is another.
    """
    if not path.name:
        message = f"{path}: not a bundle; name its .tflite file"
        raise BundleError(message)
    card_path = path.with_suffix(".json")
    try:
        content = read_regular(path, _MOST_BYTES)
        card_text = read_card_text(card_path)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}; a bundle is NAME.tflite and NAME.json side by side"
        raise BundleError(message) from None
    card = parse_card(card_text, card_path)
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.sha256:
        message = f"{path}: its sha256 is {digest[:12]}…, but {card_path.name} was made for {card.sha256[:12]}…"
        raise BundleError(message)
    return BundleFiles(path, content, card_text, card)


class ModelBundle:
    """A verified network with its card: crops in, calibrated probabilities out."""

    def __init__(self, card: Card, network: Network, balance: float | None = None) -> None:
        """Take a card and its network.

        Args:
            card: The card.
            network: The network.
            balance: τ of logit adjustment; None: the card's.

        Raises:
            ConfigError: The card has no priors, which `balance` needs.
        """
        self.card = card
        self.network = network
        priors = card.calibration.priors
        self.balance = card.calibration.balance if balance is None else balance
        if self.balance and not priors:
            message = f"emotion.balance: the card of the model {card.name} has no priors; take another model, or 0"
            raise ConfigError(message)
        self._adjustment = logit_adjustment(priors, self.balance) if priors and self.balance else None

    @classmethod
    def configured(cls, emotion: EmotionConfig, path: Path | None = None) -> ModelBundle:
        """Load the bundle that the settings name.

        Args:
            emotion: The settings.
            path: The bundle where they name none; None: the shipped one.

        Raises:
            BundleError: As of `load`.
            ConfigError: The settings ask for what this bundle cannot do.
        """
        bundle = cls.load(emotion.model or path or SHIPPED, threads=emotion.threads)
        return cls(bundle.card, bundle.network, emotion.balance)

    @classmethod
    def load(cls, path: Path = SHIPPED, *, threads: int = 1, runtime: Runtime | None = None) -> ModelBundle:
        """Load ``NAME.tflite`` and the ``NAME.json`` beside it.

        Raises:
            BundleError: A file is missing, or hash, shapes, types or labels disagree;
                the message names what disagrees.
        """
        return cls.from_files(read_files(path), threads=threads, runtime=runtime)

    @classmethod
    def from_files(cls, files: BundleFiles, *, threads: int = 1, runtime: Runtime | None = None) -> ModelBundle:
        """Load what `read_files` returned.

        Raises:
            BundleError: Shapes, types or labels disagree; the message names what disagrees.
        """
        path, card, card_name = files.path, files.card, files.path.with_suffix(".json").name
        try:
            network = Network(files.content, runtime, threads)
        except BundleError as error:
            message = f"{path}: {error}"
            raise BundleError(message) from error
        if network.emotions != len(card.labels):
            message = f"{path}: {network.emotions} outputs, but {card_name} names {len(card.labels)} labels"
            raise BundleError(message)
        if network.has_face != (card.calibration.min_face_score is not None):
            has, says = ("a", "no") if network.has_face else ("no", "a")
            message = f"{path}: it has {has} face output, but {card_name} says {says} min_face_score"
            raise BundleError(message)
        if network.input_shape != (card.input.height, card.input.width):
            message = (
                f"{path}: its input is {network.input_shape[1]}x{network.input_shape[0]}, "
                f"but {card_name} says {card.input.width}x{card.input.height}"
            )
            raise BundleError(message)
        return cls(card, network)

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of the probabilities."""
        return self.card.labels

    @property
    def outputs(self) -> OutputLabels:
        """What the network's logits stand for."""
        return OutputLabels(self.labels, has_face=self.network.has_face)

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        """Return what ``(N, H, W)`` gray levels, of the card's input size, show."""
        return self.network.logits(faces).predict(self.card.calibration.temperature, self._adjustment)
