"""New faces are searched for where something changed, in time, and hardly ever where nothing did."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.vision.lifecycle import SURE_HITS
from edge.vision.motion import Motion
from edge.vision.parts import SearchPart, cost
from edge.vision.search import FaceSearch

if TYPE_CHECKING:
    from collections.abc import Sequence

Gray = NDArray[np.uint8]
WHOLE = Rect(0, 0, 640, 480)
HERE, THERE = Rect(80, 80, 100, 100), Rect(450, 300, 100, 100)


class Searches:
    """A detector that records where it searched."""

    def __init__(self) -> None:
        self.parts: list[SearchPart] = []
        self.newest: Gray = np.empty((0, 0), np.uint8)

    def search(self, gray: Gray, part: SearchPart | None = None) -> list[Rect]:
        assert gray.shape == (480, 640)
        assert part is not None
        self.parts.append(part)
        self.newest = gray
        return []

    def search_near(self, *_: object) -> Rect | None:
        raise AssertionError

    search_around = search_near


class Hits(Searches):
    """A detector that hits places, whatever the part."""

    def __init__(self, *hits: Rect) -> None:
        super().__init__()
        self.hits = hits

    def search(self, gray: Gray, part: SearchPart | None = None) -> list[Rect]:
        super().search(gray, part)
        return list(self.hits) if part and part.most >= WHOLE.height else []


class Watch:
    """Shows frames to a face search, one after the other."""

    def __init__(self, fps: float = 15.0, *, leaning: bool = True) -> None:
        self.searches = Searches()
        motion = Motion(FacesConfig().min_height)
        self.search = FaceSearch(self.searches, motion, FacesConfig(), confirm_hits=SURE_HITS, leaning=leaning)
        self.now_s, self.step_s = 0.0, 1 / fps

    def see(self, *faces: Rect, level: int = 200, known: Sequence[Rect] = (), held: Sequence[Rect] = ()) -> list[Rect]:
        """Return where this frame was searched for upright faces."""
        gray = np.full((480, 640), 90, np.uint8)
        for face in faces:
            gray[int(face.y) : int(face.y + face.height), int(face.x) : int(face.x + face.width)] = level
        self.searches.parts.clear()
        self.search.new_faces(gray, self.now_s, [*known], [*held])
        self.now_s += self.step_s
        return [part.region for part in self.searches.parts if not part.tilt]

    def settle(self) -> None:
        for _ in range(45):
            self.see()


def sought(part: SearchPart, face: Rect) -> bool:
    """Whether a search of a part finds an upright face."""
    return (
        part.region.contains(face.centre)
        and part.least <= 1.1 * face.width
        and face.width < part.most
        and not part.tilt
    )


def test_all_is_searched_in_all_sizes_and_every_other_time_for_heads_that_lean_too() -> None:
    watch = Watch()
    parts: list[SearchPart] = []
    for _ in range(70):
        watch.see()
        parts += watch.searches.parts
    for tilt in (0.0, 35.0):
        mine = [part for part in parts if part.tilt == tilt]
        first = mine[: 1 + next(index for index, part in enumerate(mine) if part.least < 78)]
        assert first[0].most >= WHOLE.height
        assert all(one.least == other.most for one, other in pairwise(first))  # large faces first
        assert {part.region for part in first} == {WHOLE}
    assert parts[0].tilt == 0


def test_cascades_take_turns_and_the_first_one_searches_for_heads_that_lean() -> None:
    watch = Watch()
    upright: list[int] = []
    for _ in range(150):
        watch.see()
        for part in watch.searches.parts:
            if part.tilt:
                assert part.cascade == 0
            elif part.most >= WHOLE.height:
                upright.append(part.cascade)
    assert upright[:3] == [0, 1, 0]


def test_a_search_is_spread_over_frames_so_that_none_takes_long() -> None:
    watch = Watch()
    costs = []
    for _ in range(70):
        watch.see()
        costs.append(sum(cost(part) for part in watch.searches.parts))
    whole = cost(SearchPart(WHOLE, 72, 640))
    assert costs[0] >= whole  # all at once at the start
    assert sum(costs[1:]) > 1.5 * whole
    assert max(costs[1:]) < 0.6 * whole


def searches_of_all(watch: Watch, seconds: float, *faces: Rect, known: Sequence[Rect] = ()) -> list[float]:
    """Return when searches began that covered the whole frame; the faces flicker."""
    began_s, before = [], False
    for index in range(round(seconds / watch.step_s)):
        now = WHOLE in watch.see(*faces, level=150 + 50 * (index % 2), known=known, held=known)
        if now and not before:
            began_s.append(watch.now_s - watch.step_s)
        before = now
    return began_s


def test_where_nothing_moves_all_is_searched_in_four_ways_and_then_seldom() -> None:
    began_s = searches_of_all(Watch(), 40)
    waits_s = [later - earlier for earlier, later in pairwise(began_s)]
    assert waits_s[:3] == pytest.approx([2.4] * 3, abs=0.1)
    assert waits_s[3:] == pytest.approx([9.6] * 3, abs=0.1)


def test_where_a_known_body_moves_all_is_searched_every_few_seconds() -> None:
    """Somebody on its lap would be found by nothing else."""
    body = Rect(HERE.x - 50, HERE.y + 150, 200, 200)
    watch = Watch()
    for _ in range(15):
        watch.see()
    waits_s = [later - earlier for earlier, later in pairwise(searches_of_all(watch, 30, body, known=[HERE]))]
    assert waits_s == pytest.approx([2.4] * len(waits_s), abs=0.15)
    assert len(waits_s) >= 10


def test_after_a_change_all_is_searched_every_few_seconds_again() -> None:
    watch = Watch()
    searches_of_all(watch, 30)
    for index in range(15):
        watch.see(HERE, level=150 + 50 * (index % 2))
    assert len(searches_of_all(watch, 10)) >= 4


@pytest.mark.parametrize("fps", [10.0, 15.0, 30.0])
@pytest.mark.parametrize("phase", range(6))
def test_a_new_face_is_searched_for_so_early_that_it_can_be_confirmed_in_time(fps: float, phase: int) -> None:
    watch = Watch(fps)
    watch.settle()
    for _ in range(phase):
        watch.see(THERE, level=100 + 20 * phase)  # something else moves, and is searched
    waited = 0
    while watch.see(HERE) is None or not any(sought(part, HERE) for part in watch.searches.parts):
        waited += 1
        assert waited < 30
    assert (waited + SURE_HITS - 1) / fps <= FacesConfig().notice_s + 1e-9


def test_only_the_places_that_changed_are_searched() -> None:
    watch = Watch()
    watch.settle()
    found: list[Rect] = []
    while not found:
        found = watch.see(HERE, THERE)
    assert len(found) == 2
    assert sum(region.area for region in found) < WHOLE.area / 3
    assert {any(r.contains(face.centre) for r in found) for face in (HERE, THERE)} == {True}


def test_a_change_nearly_everywhere_is_one_search_of_all() -> None:
    watch = Watch()
    watch.settle()
    found: list[Rect] = []
    while not found:
        found = watch.see(Rect(0, 0, 640, 300), Rect(0, 360, 640, 120))
    assert set(found) == {WHOLE}


def test_heads_that_lean_to_either_side_are_searched_for_too() -> None:
    watch = Watch()
    watch.settle()
    tilts = []
    for index in range(60):
        watch.see(HERE, level=150 + 50 * (index % 2))
        tilts += [part.tilt for part in watch.searches.parts]
    assert {0.0, 35.0, -35.0} == set(tilts)
    assert tilts.count(0.0) >= 2 * tilts.count(35.0) > 0


def test_heads_that_lean_are_left_to_models_that_know_faces() -> None:
    watch = Watch(leaning=False)
    for index in range(60):
        watch.see(HERE, level=150 + 50 * (index % 2))
        assert not any(part.tilt for part in watch.searches.parts)


def test_faces_that_are_held_are_hidden_from_the_search_and_the_frame_stays() -> None:
    watch = Watch()
    half = Rect(HERE.x, HERE.y, HERE.width, HERE.height / 2)
    watch.see(half, known=[HERE], held=[HERE])
    middle = HERE.expanded(-0.2)
    rows, columns = (slice(int(a), int(a + b)) for a, b in ((middle.y, middle.height), (middle.x, middle.width)))
    assert np.ptp(watch.searches.newest[rows, columns]) == 0
    watch = Watch()
    watch.see(half, known=[HERE])
    assert np.ptp(watch.searches.newest[rows, columns]) == 110


def moving_body(watch: Watch, *, known: Sequence[Rect] = (), held: Sequence[Rect] = ()) -> list[list[Rect]]:
    """Return where two seconds of frames are searched in which somebody below `HERE` moves."""
    body = Rect(HERE.x - 50, HERE.y - 20, 200, 400)
    return [watch.see(body, level=150 + 50 * (i % 2), known=known, held=held) for i in range(30)]


def test_a_known_person_who_moves_is_no_reason_to_search() -> None:
    watch = Watch()
    watch.settle()
    frames = moving_body(watch, known=[HERE], held=[HERE])
    assert {region for frame in frames for region in frame} <= {WHOLE}
    assert sum(bool(now) and not before for before, now in pairwise(frames)) <= 1


def test_where_somebody_was_lost_what_moves_is_searched() -> None:
    watch = Watch()
    watch.settle()
    frames = moving_body(watch, known=[HERE])
    assert sum(bool(frame) for frame in frames) > 5


def test_hits_of_one_face_are_one_between_them() -> None:
    hits = Rect(100, 100, 90, 90), Rect(110, 104, 100, 100), Rect(105, 96, 80, 80), Rect(400, 200, 90, 90)
    search = FaceSearch(Hits(*hits), Motion(72), FacesConfig(), confirm_hits=SURE_HITS, leaning=False)
    found = search.new_faces(np.full((480, 640), 90, np.uint8), 0.0, [], [])
    assert found == [(Rect(105, 100, 90, 90), 0.0), (Rect(400, 200, 90, 90), 0.0)]
