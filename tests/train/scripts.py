"""Sequences of made-up video for tests, and lookers that say what a test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.geometry import Rect
from train.simulation import Person, Video, sequences
from train.simulation.detectors import Seen
from train.simulation.matching import Judged, judge
from train.simulation.video import FPS, HEIGHT, WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from train.datasets import Faces


def first(faces: Faces, *, seed: int = 3, people: int = 4, at_once: int = 1) -> Video:
    return next(sequences(faces, 1, seed=seed, people=people, at_once=at_once))


class Unlit(Video):
    """Shows nothing, which is fast and enough for those who know the truth."""

    def frame(self, index: int) -> NDArray[np.uint8]:
        return np.full((HEIGHT, WIDTH), index % 256, np.uint8)


def unlit(faces: Faces, people: int = 4, at_once: int = 1) -> Video:
    return Unlit(faces.select(slice(people)), (3,), at_once=at_once)


class Scripted:
    """Says of each frame what a function makes of its truth."""

    def __init__(self, sequence: Video, say: Callable[[int, tuple[Person, ...]], list[Seen]]) -> None:
        self._sequence, self._say = sequence, say

    def look(self, gray: NDArray[np.uint8], time_s: float) -> list[Seen]:
        assert gray.shape == (HEIGHT, WIDTH)
        index = round(time_s * FPS)
        return self._say(index, self._sequence.truth(index))


def true(person: Person) -> Seen:
    return Seen(person.box, person.label, person.number)


def moved(person: Person, across: float, scale: float = 1.0) -> Seen:
    """Shift by parts of the width, and scale about the centre."""
    box = person.box.grown((scale - 1) / 2)
    return Seen(Rect(box.x + across * person.box.width, box.y, box.width, box.height), person.label, person.number)


def say_all(_index: int, people: tuple[Person, ...]) -> list[Seen]:
    return [true(person) for person in people]


def judged(sequence: Video, **lookers: Callable[[int, tuple[Person, ...]], list[Seen]]) -> list[Judged]:
    """Let scripts watch; perfect crops are read as happy."""
    scripted = {name: Scripted(sequence, say) for name, say in lookers.items()}
    return [judge(sequence, scripted, lambda _gray, _box: "happy")]


def whole_frames(sequence: Video, number: int) -> list[int]:
    return [i for i in range(len(sequence)) for p in sequence.truth(i) if p.number == number and p.whole]
