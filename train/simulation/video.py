"""Synthetic video, frame by frame, with the truth of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from train.simulation.backgrounds import room, texture
from train.simulation.people import looks, paint
from train.simulation.sensor import Sensor, exposure
from train.simulation.trajectories import grid, visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edge.geometry import Rect
    from train.datasets import Faces

WIDTH, HEIGHT = 640, 480
"""Pixels of a frame."""

FPS = 15

MOST_AT_ONCE = 8
"""People in one frame, so that each has room for a face of 60 pixels."""

EMPTY_S = 15.0
"""Seconds of a sequence in which nobody comes."""

_AWAY_S = (0.8, 2.2)
"""Seconds with nobody there before, between and after people."""

_STAYS_S = (2.2, 3.8)


@dataclass(frozen=True)
class Person:
    """One person in one frame."""

    number: int
    """From 0, in the order of coming, within a sequence."""

    box: Rect
    """Where the face picture lies; partly beyond the frame's edge while its person walks in or out."""

    label: str

    @property
    def whole(self) -> bool:
        """Whether the face is wholly within the frame."""
        return self.box.lies_within(WIDTH, HEIGHT)


class SyntheticVideo:
    """A camera's view of one room, where people come and go.

    The same faces and seed give the same pixels, whatever the order in which frames are asked for.
    """

    def __init__(self, faces: Faces, seed: tuple[int, ...], *, at_once: int = 1) -> None:
        """Draw the plan of a sequence.

        Args:
            faces: Whose faces they are; each comes once, in this order. With none, a curtain moves.
            seed: Decides everything else.
            at_once: People who are there at the same time, 1 to `MOST_AT_ONCE`. One alone may walk in
                and out; several come and go suddenly, so that they never cover each other.
        """
        self._seed = seed
        random = np.random.default_rng(seed)
        self._room = room(random, WIDTH, HEIGHT)
        self.exposure = exposure(random)
        self._sensor = Sensor(random, self._room, self.exposure)
        self._curtain = None if len(faces) else texture(random, int(random.integers(80, 200)), 420)
        self._labels = [faces.labels[row] for row in faces.truth]
        self._looks = [looks(random, face) for face in faces.pixels]
        slots = grid(at_once, WIDTH, HEIGHT)
        self._visits = []
        now_s = random.uniform(*_AWAY_S)
        for first in range(0, len(faces), at_once):
            stays_s = random.uniform(*_STAYS_S)
            together = slots[: len(faces) - first]
            self._visits += [visit(random, slot, now_s, stays_s, WIDTH, walks=at_once == 1) for slot in together]
            now_s = max(v.goes_s for v in self._visits) + random.uniform(*_AWAY_S)
        self._frames = round((now_s if len(faces) else EMPTY_S) * FPS)

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._frames

    def truth(self, index: int) -> tuple[Person, ...]:
        """Return who can be seen in a frame, also in part."""
        places = [(number, v.place(index / FPS)) for number, v in enumerate(self._visits)]
        return tuple(
            Person(number, box, self._labels[number])
            for number, box in places
            if box is not None and box.clipped(WIDTH, HEIGHT).area > 0
        )

    def clean(self, index: int) -> NDArray[np.uint8]:
        """Return the scene of a frame without a camera's faults: ``(HEIGHT, WIDTH)`` gray levels."""
        picture = self._room.copy()
        if self._curtain is not None:
            _swing(picture, self._curtain, index / FPS)
        for number, v in enumerate(self._visits):
            place = v.place(index / FPS)
            if place is not None:
                paint(picture, place, self._looks[number])
        return np.asarray(np.clip(picture + 0.5, 0, 255), dtype=np.uint8)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Return a frame as a camera records it: ``(HEIGHT, WIDTH)`` gray levels."""
        return self._sensor.shoot(self.clean(index), index / FPS, np.random.default_rng((*self._seed, index)))


def _swing(picture: NDArray[np.float32], curtain: NDArray[np.float32], time_s: float) -> None:
    """Draw a curtain that swings: sheared from its rail, and moved to and fro along it."""
    shear, shift = 0.12 * np.sin(2 * np.pi * time_s / 2.7), 60 * np.sin(2 * np.pi * time_s / 7.1)
    where = np.array([[1, shear, WIDTH * 0.4 + shift], [0, 1, 20]], np.float32)
    shape = cv2.warpAffine(np.ones_like(curtain), where, (WIDTH, HEIGHT))
    drawn = cv2.warpAffine(curtain, where, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    picture += shape * (drawn - picture)


def sequences(
    faces: Faces, count: int, *, seed: int = 0, people: int = 4, at_once: int = 1
) -> Iterator[SyntheticVideo]:
    """Yield sequences in different rooms and with different people.

    Args:
        faces: The people; they are shuffled, and begin anew once all have been shown.
        count: How many sequences.
        seed: Decides everything; the same number is always the same sequence.
        people: People in each; 0: nobody comes, and a curtain moves.
        at_once: How many of them are there at the same time.
    """
    order = np.random.default_rng(seed).permutation(len(faces))
    for number in range(count):
        rows = order[np.arange(number * people, (number + 1) * people) % len(faces)]
        yield SyntheticVideo(faces.select(rows), (seed, number), at_once=at_once)
