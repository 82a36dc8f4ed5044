"""What was seen, in figures."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest

from edge.frozen import FrozenModel
from edge.wire.messages import UNCERTAIN
from train.simulation.detectors import Name
from train.simulation.video import FPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from train.simulation.detectors import Seen
    from train.simulation.matching import Judged, Watched
    from train.simulation.video import Person

SIZES = (60, 72, 100, 150, 240)
"""Edges of the groups by size, in pixels of the face's side."""

SOON_S = 0.3
"""Seconds within which a new face should be noticed."""


class Share(FrozenModel):
    """How many of some."""

    of: int
    hits: int

    @property
    def part(self) -> float | None:
        """None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval (Wilson), for independent trials; the frames of one visit are none.

        Raises:
            ValueError: Of nothing.
        """
        found = binomtest(self.hits, self.of).proportion_ci(0.95, method="wilson")
        return float(found.low), float(found.high)


class Noticing(FrozenModel):
    """How long new faces take to be noticed, from the first frame that shows them wholly."""

    people: int
    """Those whom ``naive`` finds within `SOON_S`, for the others can hardly be seen; all where it did not watch."""

    median_s: float | None
    """None: half of them are never noticed, as with the next two; also where there is nobody."""

    p95_s: float | None
    most_s: float | None
    soon: Share
    """Within `SOON_S`."""


class Figures(FrozenModel):
    """How well one looker did."""

    name: str
    sequences: int
    frames: int
    people: int
    recall: Share
    """Faces found, of all that are wholly within a frame."""

    recall_by_size: dict[str, Share]
    """By the side of the face in pixels, ``60-72`` and so on."""

    recall_of_naive: Share | None
    """Faces found, of those that ``naive`` finds in the same frames; None where it did not watch."""

    false_per_1000: float
    """Boxes in 1,000 frames where nobody is or just was."""

    ill_sized_per_1000: float
    """Boxes in 1,000 frames about a face, but much larger or smaller than it."""

    lingering_per_1000: float
    """Boxes in 1,000 frames where somebody just was."""

    noticing: Noticing
    switches: int | None
    """Changes of the id of a person, over all people found; None from those who give no ids."""

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


def figures(judged: Sequence[Judged], name: str) -> Figures:
    """Count what a looker did.

    Args:
        judged: Sequences that it watched; at least one.
        name: Whose figures.
    """
    frames = sum(one.frames for one in judged)
    watched = [one.watched[name] for one in judged]
    people = [(one, number) for one in judged for number in one.due]
    found = [
        (one, number, _last(one.watched[name], number)) for one, number in people if number in one.watched[name].found
    ]
    labels = [next(iter(one.due[number].values())).label for one, number, _ in found]
    last = [seen.emotion for _, _, seen in found]
    clean, noisy = ([getattr(one, which)[number] for one, number, _ in found] for which in ("clean", "noisy"))
    faces = [(person, hit) for one in judged for person, hit, _ in _faces(one, name)]
    return Figures(
        name=name,
        sequences=len(judged),
        frames=frames,
        people=len(people),
        recall=_share(hit for _, hit in faces),
        recall_by_size={
            f"{low}-{high}": _share(
                hit for person, hit in faces if low <= person.box.width < high + (high == SIZES[-1])
            )
            for low, high in pairwise(SIZES)
        },
        recall_of_naive=_share(hit for one in judged for _, hit, naive in _faces(one, name) if naive)
        if all(Name.NAIVE in one.watched for one in judged)
        else None,
        false_per_1000=1000 * sum(w.false_boxes for w in watched) / frames,
        ill_sized_per_1000=1000 * sum(w.ill_sized_boxes for w in watched) / frames,
        lingering_per_1000=1000 * sum(w.lingering_boxes for w in watched) / frames,
        noticing=_noticing(judged, name),
        switches=_switches(watched),
        last_right=_right(last, labels),
        last_uncertain=_share(emotion == UNCERTAIN for emotion in last),
        clean_right=_right(clean, labels),
        clean_uncertain=_share(emotion == UNCERTAIN for emotion in clean),
        noisy_right=_right(noisy, labels),
        cpu_ms=1000 * sum(w.cpu_s for w in watched) / frames,
    )


def _faces(judged: Judged, name: str) -> Iterator[tuple[Person, bool, bool]]:
    """Give each face that is due in a frame, whether it was found, and whether ``naive`` found it."""
    found = judged.watched[name].found
    naive = judged.watched[Name.NAIVE].found if Name.NAIVE in judged.watched else {}
    for number, frames in judged.due.items():
        for index, person in frames.items():
            yield person, index in found.get(number, {}), index in naive.get(number, {})


def _last(watched: Watched, number: int) -> Seen:
    frames = watched.found[number]
    return frames[max(frames)]


def _noticing(judged: Iterable[Judged], name: str) -> Noticing:
    waits = [
        _wait_s(one, name, number)
        for one in judged
        for number in one.due
        if Name.NAIVE not in one.watched or _wait_s(one, Name.NAIVE, number) <= SOON_S
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


def _wait_s(judged: Judged, name: str, number: int) -> float:
    """Give the seconds until a person is noticed; infinite: never."""
    due = judged.due[number]
    noticed = [index for index in due if index in judged.watched[name].found.get(number, {})]
    return (min(noticed) - min(due)) / FPS if noticed else math.inf


def _switches(watched: Iterable[Watched]) -> int | None:
    ids = [[frames[index].id for index in sorted(frames)] for one in watched for frames in one.found.values()]
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
