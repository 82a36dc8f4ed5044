"""Model bundles: a ``.tflite`` file and the card that says what it is."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import BundleError, ConfigError
from edge.files import read_regular
from edge.inference.card import read_card
from edge.inference.outputs import OutputLabels, Predictions, logit_adjustment
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
    def configured(cls, emotion: EmotionConfig) -> ModelBundle:
        """Load the bundle that the settings name.

        Raises:
            BundleError: As of `load`.
            ConfigError: The settings ask for what this bundle cannot do.
        """
        bundle = cls.load(emotion.model or SHIPPED, threads=emotion.threads)
        return cls(bundle.card, bundle.network, emotion.balance)

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
            content = read_regular(path, _MOST_BYTES)
            card = read_card(card_path)
        except OSError as error:
            message = f"{error.filename}: {error.strerror}; a bundle is NAME.tflite and NAME.json side by side"
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
        if network.emotions != len(card.labels):
            message = f"{path}: {network.emotions} outputs, but {card_path.name} names {len(card.labels)} labels"
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
    def outputs(self) -> OutputLabels:
        """What the network's logits stand for."""
        return OutputLabels(self.labels, has_face=self.network.has_face)

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        """Return what ``(N, H, W)`` gray levels, of the card's input size, show."""
        return self.network.logits(faces).predict(self.card.calibration.temperature, self._adjustment)
