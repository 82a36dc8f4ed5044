"""Sequences of synthetic video for tests, and methods that find what a test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.bench.methods import FoundFace
from edge.geometry import Rect
from train.simulation import Person, SyntheticVideo, sequences
from train.simulation.evaluation import VideoResult, run_methods
from train.simulation.video import FPS, HEIGHT, WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.frame import Frame
    from train.datasets import Faces


def first(faces: Faces, *, seed: int = 3, people: int = 4, at_once: int = 1) -> SyntheticVideo:
    return next(sequences(faces, 1, seed=seed, people=people, at_once=at_once))


class Unlit(SyntheticVideo):
    """Shows nothing, which is fast and enough for scripted methods."""

    def frame(self, index: int) -> NDArray[np.uint8]:
        return np.full((HEIGHT, WIDTH), index % 256, np.uint8)


def unlit(faces: Faces, people: int = 4, at_once: int = 1) -> SyntheticVideo:
    return Unlit(faces.select(slice(people)), (3,), at_once=at_once)


class Scripted:
    """Finds in each frame what a function makes of its truth."""

    def __init__(self, sequence: SyntheticVideo, say: Callable[[int, tuple[Person, ...]], list[FoundFace]]) -> None:
        self._sequence, self._say = sequence, say
        self._faces: list[FoundFace] = []

    def process(self, frame: Frame) -> None:
        assert frame.gray.shape == (HEIGHT, WIDTH)
        index = round(frame.time_s * FPS)
        self._faces = self._say(index, self._sequence.truth(index))

    def faces(self) -> list[FoundFace]:
        return self._faces

    @property
    def reading_s(self) -> float:
        return 0.0


def true(person: Person) -> FoundFace:
    return FoundFace(person.box, person.label, person.number)


def moved(person: Person, across: float, scale: float = 1.0) -> FoundFace:
    """Shift by parts of the width, and scale about the centre."""
    box = person.box.expanded((scale - 1) / 2)
    return FoundFace(Rect(box.x + across * person.box.width, box.y, box.width, box.height), person.label, person.number)


def say_all(_index: int, people: tuple[Person, ...]) -> list[FoundFace]:
    return [true(person) for person in people]


def run(sequence: SyntheticVideo, **methods: Callable[[int, tuple[Person, ...]], list[FoundFace]]) -> list[VideoResult]:
    """Run scripted methods; perfect crops are read as happy."""
    scripted = {name: Scripted(sequence, say) for name, say in methods.items()}
    return [run_methods(sequence, scripted, lambda _gray, _box: "happy")]


def whole_frames(sequence: SyntheticVideo, number: int) -> list[int]:
    return [i for i in range(len(sequence)) for p in sequence.truth(i) if p.number == number and p.whole]
