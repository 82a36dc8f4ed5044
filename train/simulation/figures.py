"""How accurate a method was, in figures."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from edge.bench.accuracy import count_boxes
from edge.bench.methods import MethodName
from edge.bench.report import BoxCounts
from edge.frozen import FrozenModel
from edge.wire.messages import UNCERTAIN
from train.evaluate.metrics import wilson_interval
from train.simulation.video import FPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge.bench.methods import FoundFace
    from train.simulation.evaluation import MethodResult, VideoResult
    from train.simulation.video import Person

SIZES = (60, 72, 100, 150, 240)
"""Edges of the groups by size, in pixels of the face's side."""

SOON_S = 0.3
"""Seconds within which a new face should be noticed."""


class Share(FrozenModel):
    """A count of hits among trials."""

    of: int
    hits: int

    @property
    def part(self) -> float | None:
        """``hits / of``; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval (Wilson), for independent trials; the frames of one visit are none.

        Raises:
            ValueError: Of nothing.
        """
        return wilson_interval(self.hits, self.of)


class Noticing(FrozenModel):
    """How long new faces take to be noticed, from the first frame that shows them wholly."""

    people: int
    """Those whom ``naive`` finds within `SOON_S`, as the others can hardly be seen; all if it did not run."""

    median_s: float | None
    """None: half of them are never noticed, as with the next two; also where there is nobody."""

    p95_s: float | None
    most_s: float | None
    soon: Share
    """Within `SOON_S`."""


class MethodFigures(FrozenModel):
    """How accurate one method was."""

    name: str
    sequences: int
    frames: int
    people: int
    recall: Share
    """Faces found, of all that are wholly within a frame."""

    recall_by_size: dict[str, Share]
    """By the side of the face in pixels, ``60-72`` and so on."""

    recall_of_naive: Share | None
    """Faces found, of those that ``naive`` finds in the same frames; None if it did not run."""

    boxes: BoxCounts
    """Boxes that are no face, by kind."""

    noticing: Noticing
    switches: int | None
    """Changes of the id of a person, over all people found; None for methods that do not track."""

    last_right: Share
    """People whose last emotion is right, of people found; ``uncertain`` is wrong."""

    last_uncertain: Share
    clean_right: Share
    """The same people's, read from perfect crops; ``uncertain`` is wrong here too."""

    clean_uncertain: Share
    noisy_right: Share
    """The same from the camera's frames at the true place."""

    cpu_ms: float
    """Milliseconds of processor time a frame, mean."""

    detection_cpu_ms: float
    """The same without the reading of emotions: of detection and, if the method tracks, tracking."""


def figures(videos: Sequence[VideoResult], name: str) -> MethodFigures:
    """Return the figures of a method.

    Args:
        videos: The videos that it ran on; at least one.
        name: Of the method.
    """
    frames = sum(one.frames for one in videos)
    results = [one.methods[name] for one in videos]
    people = [(one, number) for one in videos for number in one.due]
    found = [
        (one, number, _last(one.methods[name], number)) for one, number in people if number in one.methods[name].found
    ]
    labels = [next(iter(one.due[number].values())).label for one, number, _ in found]
    last = [seen.emotion for _, _, seen in found]
    clean, noisy = ([getattr(one, which)[number] for one, number, _ in found] for which in ("clean", "noisy"))
    faces = [seen for one in videos for seen in _faces(one, name)]
    return MethodFigures(
        name=name,
        sequences=len(videos),
        frames=frames,
        people=len(people),
        recall=_share(hit for _, hit, _ in faces),
        recall_by_size={
            f"{low}-{high}": _share(
                hit for person, hit, _ in faces if low <= person.box.width < high + (high == SIZES[-1])
            )
            for low, high in pairwise(SIZES)
        },
        recall_of_naive=_share(hit for _, hit, naive in faces if naive)
        if all(MethodName.NAIVE in one.methods for one in videos)
        else None,
        boxes=count_boxes((verdict for result in results for verdict in result.verdicts), frames),
        noticing=_noticing(videos, name),
        switches=_switches(results),
        last_right=_right(last, labels),
        last_uncertain=_share(emotion == UNCERTAIN for emotion in last),
        clean_right=_right(clean, labels),
        clean_uncertain=_share(emotion == UNCERTAIN for emotion in clean),
        noisy_right=_right(noisy, labels),
        cpu_ms=1000 * sum(result.cpu_s for result in results) / frames,
        detection_cpu_ms=1000 * sum(result.cpu_s - result.reading_s for result in results) / frames,
    )


def _faces(video: VideoResult, name: str) -> Iterator[tuple[Person, bool, bool]]:
    """Yield each face that is due in a frame, whether it was found, and whether ``naive`` found it."""
    found = video.methods[name].found
    naive = video.methods[MethodName.NAIVE].found if MethodName.NAIVE in video.methods else {}
    for number, frames in video.due.items():
        for index, person in frames.items():
            yield person, index in found.get(number, {}), index in naive.get(number, {})


def _last(result: MethodResult, number: int) -> FoundFace:
    frames = result.found[number]
    return frames[max(frames)]


def _noticing(videos: Iterable[VideoResult], name: str) -> Noticing:
    waits = [
        _wait_s(one, name, number)
        for one in videos
        for number in one.due
        if MethodName.NAIVE not in one.methods or _wait_s(one, MethodName.NAIVE, number) <= SOON_S
    ]
    median_s, p95_s, most_s = (
        (float(np.quantile(waits, part, method="higher")) for part in (0.5, 0.95, 1)) if waits else (math.inf,) * 3
    )
    return Noticing(
        people=len(waits),
        median_s=_finite(median_s),
        p95_s=_finite(p95_s),
        most_s=_finite(most_s),
        soon=_share(wait <= SOON_S for wait in waits),
    )


def _wait_s(video: VideoResult, name: str, number: int) -> float:
    """Return the seconds until a person is noticed; infinite: never."""
    due = video.due[number]
    noticed = [index for index in due if index in video.methods[name].found.get(number, {})]
    return (min(noticed) - min(due)) / FPS if noticed else math.inf


def _switches(results: Iterable[MethodResult]) -> int | None:
    ids = [[frames[index].id for index in sorted(frames)] for result in results for frames in result.found.values()]
    if any(None in person for person in ids) or not ids:
        return None
    return sum(one != other for person in ids for one, other in pairwise(person))


def _right(emotions: Iterable[str], labels: Iterable[str]) -> Share:
    return _share(emotion == label for emotion, label in zip(emotions, labels, strict=True))


def _share(hits: Iterable[bool]) -> Share:
    counted = list(hits)
    return Share(of=len(counted), hits=sum(counted))


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
