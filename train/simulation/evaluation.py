"""Run methods on a synthetic video and compare what they find with the truth."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from edge.bench.matching import Matcher, Verdict
from edge.frame import Frame
from train.simulation.video import FPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.bench.methods import FoundFace, Method
    from edge.geometry import Rect
    from train.simulation.video import Person, SyntheticVideo

    ReadEmotion = Callable[[NDArray[np.uint8], Rect], str]
    """From a frame and a face's place to its emotion."""

_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class MethodResult:
    """What one method found in one video."""

    found: dict[int, dict[int, FoundFace]] = field(default_factory=dict)
    """By person and frame."""

    verdicts: list[Verdict] = field(default_factory=list)
    """Of all boxes."""

    cpu_s: float = 0.0
    """Processor time of this process for the method's work, of all threads."""

    reading_s: float = 0.0
    """What of it went into reading emotions."""


@dataclass(frozen=True)
class VideoResult:
    """One video, and what each method found in it."""

    frames: int
    due: Mapping[int, Mapping[int, Person]]
    """By person and frame: where the face is wholly in the picture, and so should be found."""

    clean: Mapping[int, str]
    """The emotion read from a perfect crop of each person: at the true place, without a camera's faults."""

    noisy: Mapping[int, str]
    """The same from the camera's frame."""

    methods: Mapping[str, MethodResult]
    """By the method's name."""


def run_methods(video: SyntheticVideo, methods: Mapping[str, Method], read_emotion: ReadEmotion) -> VideoResult:
    """Show a video to methods, frame by frame to one after the other, so that a busy machine is busy for all.

    Args:
        video: What they process.
        methods: By name; they have had no frame yet.
        read_emotion: Reads perfect crops.
    """
    truths = [video.truth(index) for index in range(len(video))]
    results = {name: MethodResult() for name in methods}
    matchers = {name: Matcher() for name in methods}
    turns = deque(methods.items())
    for index, people in enumerate(truths):
        time_s = index / FPS
        frame = Frame(video.frame(index), _START + timedelta(seconds=time_s), time_s, index)
        for name, method in turns:
            start_s = time.process_time()
            method.process(frame)
            results[name].cpu_s += time.process_time() - start_s
            results[name].reading_s = method.reading_s
            _add(results[name], matchers[name], frame, people, method.faces())
        turns.rotate(-1)
    due: dict[int, dict[int, Person]] = {}
    for index, people in enumerate(truths):
        for person in people:
            if person.whole:
                due.setdefault(person.number, {})[index] = person
    middles = {number: sorted(frames)[len(frames) // 2] for number, frames in due.items()}
    clean = {number: read_emotion(video.clean(index), due[number][index].box) for number, index in middles.items()}
    noisy = {number: read_emotion(video.frame(index), due[number][index].box) for number, index in middles.items()}
    return VideoResult(len(video), due, clean, noisy, results)


def _add(
    result: MethodResult, matcher: Matcher, frame: Frame, people: Sequence[Person], faces: Sequence[FoundFace]
) -> None:
    found = matcher.match(frame.time_s, [person.box for person in people], [face.rect for face in faces])
    result.verdicts += [match.verdict for match in found]
    for face, match in zip(faces, found, strict=True):
        if match.verdict is Verdict.FOUND and match.face is not None:
            result.found.setdefault(people[match.face].number, {})[frame.sequence] = face
