"""The heads of a network: which columns of its last layer answer which question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.inference.labels import FACE
from train.datasets import fer2013, ferplus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from train.datasets import LabelProtocol
    from train.recipes import DataConfig

LABELS: dict[str, tuple[str, ...]] = {
    "ferplus": ferplus.LABELS,
    "fer2013": fer2013.LABELS,
    "folder": ferplus.LABELS,
    FACE: (FACE,),
}
"""The labels of each head."""


@dataclass(frozen=True)
class Head:
    """Some columns of the network's last layer."""

    name: str
    """A protocol, or `FACE`."""

    labels: tuple[str, ...]
    weight: float
    """Weight of its loss."""

    columns: slice
    """Which of all columns."""

    @property
    def protocol(self) -> LabelProtocol:
        """The protocol that it is evaluated by."""
        names: dict[str, LabelProtocol] = {"fer2013": "fer2013", "folder": "folder"}
        return names.get(self.name, "ferplus-majority")


def heads_of(data: DataConfig) -> tuple[Head, ...]:
    """Return the heads that a recipe asks for, in the order of their columns."""
    weights: dict[str, float] = {data.training: 1.0}
    if data.clutter:
        weights[FACE] = data.face_weight
    if data.also:
        weights[data.also] = data.also_weight
    ends = np.cumsum([len(LABELS[name]) for name in weights])
    return tuple(
        Head(name, LABELS[name], weight, slice(int(end) - len(LABELS[name]), int(end)))
        for (name, weight), end in zip(weights.items(), ends, strict=True)
    )


def emotion_models(heads: Sequence[Head], recipe: str) -> Iterator[tuple[Head, str]]:
    """Yield each head for emotions and the name of its model; that of the first head has the recipe's own."""
    for head in heads:
        if head.name != FACE:
            yield head, recipe if head.name == heads[0].name else f"{recipe}-{head.name}"


def model_columns(heads: Sequence[Head], head: Head) -> tuple[tuple[str, ...], list[int]]:
    """Return labels and columns of one head's model: its own, then the face score's if there is one."""
    chosen = [head, *(other for other in heads if other.name == FACE)]
    labels = tuple(label for part in chosen for label in part.labels)
    return labels, [column for part in chosen for column in range(part.columns.start, part.columns.stop)]
