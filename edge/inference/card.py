"""The model card: ``NAME.json`` beside ``NAME.tflite``, checked before anything of it is used or shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import from_json

from edge.errors import BundleError
from edge.files import read_regular
from edge.frozen import FrozenModel, requirement
from edge.inference.labels import FACE
from edge.text import printable
from edge.wire.messages import LONGEST_NAME, MOST_LABELS, UNCERTAIN

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 1_000_000
"""Of a card; those of the shipped bundles have 15,000."""

_MOST = 10**15
"""Of any count: more is no network, and Python refuses to print numbers of thousands of digits."""

_MOST_OFF = 0.01
"""By which the sum of the priors may differ from 1: cards have four digits."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _check_text(text: str) -> str:
    """Return the text if it is safe in a log line, a terminal and a payload."""
    if not text.isprintable():
        message = "a line break, a control character or an invisible one is not allowed"
        raise ValueError(message)
    if text != text.strip():
        message = "a blank at the beginning or the end is not allowed"
        raise ValueError(message)
    return text


def _check_sha256(digest: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", digest):
        message = "must be the 64 hexadecimal digits that sha256sum prints for the .tflite file"
        raise ValueError(message)
    return digest


def _check_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        message = f"{twice!r} is there twice"
        raise ValueError(message)
    for reserved, use in ((UNCERTAIN, "what is published when no label is probable enough"), (FACE, "an output")):
        if reserved in labels:
            message = f"{reserved!r} is the name of {use}; give the label another name"
            raise ValueError(message)
    return labels


Text = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_check_text)]
Name = Annotated[Text, Field(min_length=1)]
Count = Annotated[int, Field(ge=0, le=_MOST)]


def check_name(name: str) -> str:
    """Return the name if a card may have it.

    Raises:
        ValueError: It may not; the message says why.
    """
    try:
        return TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise ValueError(requirement(error.errors(include_url=False)[0])) from None


class InputCard(FrozenModel, extra="allow", allow_inf_nan=False):
    """The input of the network."""

    width: int = Field(gt=0, le=1024)
    height: int = Field(gt=0, le=1024)
    channels: Literal[1] = 1
    crop_margin: float = Field(default=0.0, ge=-0.5, le=1)
    """How much is added to the detector's box on each side, as a part of its width."""


class Calibration(FrozenModel, extra="allow", allow_inf_nan=False):
    """How logits become calibrated probabilities."""

    temperature: float = Field(ge=0.01, le=100)
    """Guo et al., "On Calibration of Modern Neural Networks", ICML 2017. Beyond these limits the model is broken, not
    badly calibrated, and the softmax overflows."""

    min_confidence: float = Field(ge=0, le=1)
    """Probability below which the emotion is ``uncertain``."""

    min_face_score: float | None = Field(default=None, ge=0, le=1)
    """Face score below which a picture is no face; None if the model has no such output."""

    balance: float = Field(default=0.0, ge=0, le=1)
    """The τ of logit adjustment that the bundle ships with: 0 expects emotions as often as in the training data, 1 each
    equally often. Menon et al., "Long-tail learning via logit adjustment", ICLR 2021."""

    priors: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(max_length=MOST_LABELS)] | None = None
    """Share of each label in the training data, in the order of the labels; None if it is not known."""

    @model_validator(mode="after")
    def _check_priors(self) -> Self:
        if self.balance and self.priors is None:
            message = "balance needs priors"
            raise ValueError(message)
        if self.priors is not None and abs(sum(self.priors) - 1) > _MOST_OFF:
            message = f"priors: their sum is {sum(self.priors):.3g} and not 1"
            raise ValueError(message)
        return self


class Card(FrozenModel, extra="allow", allow_inf_nan=False):
    """The card. Unknown keys are kept: a newer converter may write more."""

    version_of_card: Literal[1] = Field(default=1, alias="schema")
    name: Name
    version: Name
    sha256: Annotated[str, AfterValidator(_check_sha256)]
    """Of the ``.tflite`` file."""

    labels: Annotated[tuple[Name, ...], Field(min_length=2, max_length=MOST_LABELS), AfterValidator(_check_labels)]
    input: InputCard
    calibration: Calibration
    trained: dict[str, Any] = Field(default={})
    metrics: dict[str, Any] = Field(default={})
    macs: Count
    parameters: Count
    bytes: Annotated[Count, Field(gt=0)]
    operators: dict[Name, Count]
    min_runtime: Text = ""

    @model_validator(mode="after")
    def _check_count(self) -> Self:
        priors = self.calibration.priors
        if priors is not None and len(priors) != len(self.labels):
            message = f"calibration.priors: {len(priors)} of them for {len(self.labels)} labels"
            raise ValueError(message)
        return self


def read_card_text(path: Path) -> bytes:
    """Return the bytes of a card.

    Raises:
        OSError: It is missing, is no regular file, is too large or cannot be read; `strerror` says why.
    """
    return read_regular(path, _MOST_BYTES)


def parse_card(text: bytes, path: Path) -> Card:
    """Return the card in a text.

    Args:
        text: UTF-8, with or without a byte-order mark.
        path: Where it is from.

    Raises:
        BundleError: It is no valid card; the message names the key that is wrong and what is allowed.
    """
    try:
        return Card.model_validate(from_json(text.removeprefix(_BYTE_ORDER_MARK), allow_inf_nan=False))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = printable(".".join(map(str, first["loc"]))) or "the file"
        problem = f"{where}: {requirement(first)}"
    except ValueError as error:
        problem = f"this is not JSON: {error}"
    message = f"{path}: not a model card: {printable(problem, 300)}"
    raise BundleError(message)
