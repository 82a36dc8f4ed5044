"""New faces are searched for where something changed, in time, and hardly ever where nothing did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.vision.lifecycle import CONFIRM_HITS
from edge.vision.motion import Motion
from edge.vision.search import FaceSearch

if TYPE_CHECKING:
    from collections.abc import Sequence

Gray = NDArray[np.uint8]
WHOLE = Rect(0, 0, 640, 480)
HERE, THERE = Rect(80, 80, 100, 100), Rect(450, 300, 100, 100)


class Searches:
    """A detector that records where it searched."""

    def __init__(self) -> None:
        self.regions: list[Rect] = []
        self.newest: Gray = np.empty((0, 0), np.uint8)

    def search(self, gray: Gray, region: Rect | None = None) -> list[Rect]:
        assert gray.shape == (480, 640)
        self.regions.append(region or WHOLE)
        self.newest = gray
        return []

    def search_near(self, *_: object) -> Rect | None:
        raise AssertionError

    search_around = search_near


class Watch:
    """Shows frames to a face search, one after the other."""

    def __init__(self, fps: float = 15.0) -> None:
        self.searches = Searches()
        self.search = FaceSearch(self.searches, Motion(FacesConfig().min_height), FacesConfig(), CONFIRM_HITS)
        self.now_s, self.step_s = 0.0, 1 / fps

    def see(self, *faces: Rect, level: int = 200, known: Sequence[Rect] = (), held: Sequence[Rect] = ()) -> list[Rect]:
        """Return where this frame was searched."""
        gray = np.full((480, 640), 90, np.uint8)
        for face in faces:
            gray[int(face.y) : int(face.y + face.height), int(face.x) : int(face.x + face.width)] = level
        self.searches.regions.clear()
        self.search.new_faces(gray, self.now_s, [*known], [*held])
        self.now_s += self.step_s
        return list(self.searches.regions)

    def settle(self) -> None:
        for _ in range(40):
            self.see()


def test_the_first_frame_is_searched_whole() -> None:
    assert Watch().see() == [WHOLE]


def test_where_nothing_moves_all_is_searched_every_few_seconds_only() -> None:
    watch = Watch()
    watch.settle()
    searched = [region for _ in range(150) for region in watch.see()]
    assert set(searched) == {WHOLE}
    assert 3 <= len(searched) <= 6  # in ten seconds


@pytest.mark.parametrize("fps", [10.0, 15.0, 30.0])
@pytest.mark.parametrize("phase", range(6))
def test_a_new_face_is_searched_for_so_early_that_it_can_be_confirmed_in_time(fps: float, phase: int) -> None:
    watch = Watch(fps)
    watch.settle()
    for _ in range(phase):
        watch.see(THERE, level=100 + 20 * phase)  # something else moves, and is searched
    waited = 0
    while not any(region.holds(HERE.middle) for region in watch.see(HERE)):
        waited += 1
        assert waited < 30
    assert (waited + CONFIRM_HITS - 1) / fps <= FacesConfig().notice_s + 1e-9


def test_only_the_places_that_changed_are_searched() -> None:
    watch = Watch()
    watch.settle()
    found: list[Rect] = []
    while not found:
        found = watch.see(HERE, THERE)
    assert len(found) == 2
    assert sum(region.area for region in found) < WHOLE.area / 3
    assert {any(r.holds(face.middle) for r in found) for face in (HERE, THERE)} == {True}


def test_a_change_nearly_everywhere_is_one_search_of_all() -> None:
    watch = Watch()
    watch.settle()
    found: list[Rect] = []
    while not found:
        found = watch.see(Rect(0, 0, 640, 300), Rect(0, 360, 640, 120))
    assert found == [WHOLE]


def test_faces_that_are_held_are_hidden_from_the_search_and_the_frame_stays() -> None:
    watch = Watch()
    half = Rect(HERE.x, HERE.y, HERE.width, HERE.height / 2)
    watch.see(half, known=[HERE], held=[HERE])
    middle = HERE.grown(-0.2)
    rows, columns = (slice(int(a), int(a + b)) for a, b in ((middle.y, middle.height), (middle.x, middle.width)))
    assert np.ptp(watch.searches.newest[rows, columns]) == 0
    watch = Watch()
    watch.see(half, known=[HERE])
    assert np.ptp(watch.searches.newest[rows, columns]) == 110


def test_a_known_face_that_moves_is_no_reason_to_search() -> None:
    watch = Watch()
    watch.settle()
    searched = [r for i in range(30) for r in watch.see(HERE, level=150 + 50 * (i % 2), known=[HERE])]
    assert set(searched) <= {WHOLE}
    assert len(searched) <= 1
