"""The PyTorch networks that are converted in the tests: how each learns, and what its file is like."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.onnx import networks
from train.datasets import ferplus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

    from train.datasets import LabelProtocol

PROTOCOL: LabelProtocol = "ferplus-majority"


@dataclass(frozen=True)
class Stage:
    """A part of the training, with a learning rate that rises and falls once."""

    size: int
    """Width and height that the faces are scaled to, in pixels; small ones are quick."""

    epochs: float
    learning_rate: float
    """Its maximum."""

    batch: int = 32


@dataclass(frozen=True)
class Example:
    """A network, how it learns, and what its file is like."""

    network: Callable[[int], nn.Module]
    """From the number of classes to a network that gives logits."""

    stages: tuple[Stage, ...]
    """The last one is at the size of the exported model."""

    range: tuple[float, float]
    """What black and white become, before mean and standard deviation."""

    mean: tuple[float, ...]
    """One per channel."""

    std: tuple[float, ...]

    labels: tuple[str, ...] = ferplus.LABELS
    """In the order of the outputs."""

    any_batch: bool = True
    """Whether the file leaves the number of faces open, or says 1."""

    probabilities: bool = False
    """Whether the file ends in a softmax."""

    @property
    def name(self) -> str:
        return self.network.__name__

    @property
    def size(self) -> int:
        return self.stages[-1].size


# The longest training first, so that two cores end together.
EXAMPLES = (
    Example(
        networks.mobilefacenet,
        stages=(Stage(112, epochs=4, learning_rate=4e-3),),
        range=(0.0, 255.0),
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
    ),
    Example(
        networks.efficientnet,
        stages=(
            Stage(96, epochs=2, learning_rate=4e-3),
            Stage(160, epochs=0.3, learning_rate=2e-3),  # a bridge: what 96 pixels taught is of little use at 224
            Stage(224, epochs=0.4, learning_rate=1.5e-3, batch=16),
        ),
        range=(0.0, 1.0),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        any_batch=False,
    ),
    Example(
        networks.attention,
        stages=(Stage(48, epochs=4, learning_rate=4e-3),),
        range=(0.0, 1.0),
        mean=(0.5,),
        std=(0.5,),
        labels=("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),  # the file's order
        probabilities=True,
    ),
)


def model_file(out: Path, example: Example) -> Path:
    """Return where the model is, or will be; its sidecar ends in ``.toml``."""
    return out / f"{example.name}.onnx"


def tell(example: Example, text: str) -> None:
    """Print a line about an example at once."""
    sys.stdout.write(f"{example.name}: {text}\n")
    sys.stdout.flush()
