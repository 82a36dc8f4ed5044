"""Let lookers watch a sequence, and hold what they say against the truth."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.bench.matching import CENTRE, distance, matches
from train.simulation.video import FPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from edge.geometry import Rect
    from train.simulation.detectors import Looker, Seen
    from train.simulation.video import Person, Video

LINGERS_S = 2.0
"""Seconds for which a box where somebody was just now is no false face: whoever follows faces waits a while before
one is gone. Such boxes are counted by themselves."""


@dataclass
class Watched:
    """What one looker said of one sequence."""

    found: dict[int, dict[int, Seen]] = field(default_factory=dict)
    """By person and frame."""

    false_boxes: int = 0
    """Boxes where nobody is or just was."""

    ill_sized_boxes: int = 0
    """Boxes about a face that is, or just was, there, but much larger or smaller: they say that somebody is there, and
    rightly, but not where. The cascade sees some people's FER+ crops so, at whatever pains."""

    lingering_boxes: int = 0
    """Boxes where somebody was within the last `LINGERS_S`."""

    cpu_s: float = 0.0
    """Processor time of this process while it looked, of all threads."""


@dataclass(frozen=True)
class Judged:
    """One sequence, and what each looker said of it."""

    frames: int
    due: Mapping[int, Mapping[int, Person]]
    """By person and frame: where the face is wholly in the picture, and so should be found."""

    clean: Mapping[int, str]
    """The emotion read from a perfect crop of each person: at the true place, without a camera's faults."""

    noisy: Mapping[int, str]
    """The same from the camera's frame."""

    watched: Mapping[str, Watched]
    """By the looker's name."""


def judge(sequence: Video, lookers: Mapping[str, Looker], read: Callable[[NDArray[np.uint8], Rect], str]) -> Judged:
    """Show a sequence to lookers, frame by frame to one after the other, so that a busy machine is busy for all.

    Args:
        sequence: What they see.
        lookers: By name; they have seen nothing yet.
        read: Tells the emotion of a face from a frame and its place, for perfect crops.
    """
    truths = [sequence.truth(index) for index in range(len(sequence))]
    watched = {name: Watched() for name in lookers}
    turns = deque(lookers.items())
    for index, people in enumerate(truths):
        gray = sequence.frame(index)
        before = [person for past in truths[max(0, index - round(LINGERS_S * FPS)) : index] for person in past]
        for name, looker in turns:
            start_s = time.process_time()
            seen = looker.look(gray, index / FPS)
            watched[name].cpu_s += time.process_time() - start_s
            _note(watched[name], index, seen, people, before)
        turns.rotate(-1)
    due: dict[int, dict[int, Person]] = {}
    for index, people in enumerate(truths):
        for person in people:
            if person.whole:
                due.setdefault(person.number, {})[index] = person
    middles = {number: sorted(frames)[len(frames) // 2] for number, frames in due.items()}
    clean = {number: read(sequence.clean(index), due[number][index].box) for number, index in middles.items()}
    noisy = {number: read(sequence.frame(index), due[number][index].box) for number, index in middles.items()}
    return Judged(len(sequence), due, clean, noisy, watched)


def _note(watched: Watched, index: int, seen: Iterable[Seen], people: Iterable[Person], before: list[Person]) -> None:
    for one in seen:
        near = [person for person in people if matches(person.box, one.box)]
        if near:
            who = min(near, key=lambda person: distance(person.box, one.box))
            frames = watched.found.setdefault(who.number, {})
            # A second box on the same face is no false face, but only the better one counts.
            if index not in frames or distance(who.box, one.box) < distance(who.box, frames[index].box):
                frames[index] = one
        elif any(matches(person.box, one.box) for person in before):
            watched.lingering_boxes += 1
        elif any(distance(person.box, one.box) <= CENTRE for person in (*people, *before)):
            watched.ill_sized_boxes += 1
        else:
            watched.false_boxes += 1
