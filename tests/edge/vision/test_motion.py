"""What changed is searched again, what did not is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.geometry import Rect
from edge.vision.motion import Motion

Gray = NDArray[np.uint8]
FACE = 72
WHOLE = Rect(0, 0, 640, 480)
HERE, THERE = Rect(100, 100, 90, 90), Rect(450, 300, 90, 90)


def room(sigma: float = 0.0, seed: int = 1) -> Gray:
    """Return a frame of an empty room, with noise."""
    random = np.random.default_rng(seed)
    light = np.linspace(60, 180, 640)[None, :] + random.normal(0, sigma, (480, 640))
    return np.asarray(light.clip(0, 255), np.uint8)


def with_face(gray: Gray, rect: Rect, by: int = 60) -> Gray:
    changed = gray.copy()
    part = changed[int(rect.y) : int(rect.y + rect.height), int(rect.x) : int(rect.x + rect.width)]
    part[:] = np.clip(part.astype(int) + by, 0, 255)
    return changed


def settled(gray: Gray) -> Motion:
    """Return one that has searched everything often enough."""
    motion = Motion(FACE)
    for _ in range(5):
        motion.update(gray)
        motion.mark_searched(WHOLE)
    return motion


def test_at_first_everything_is_to_be_looked_at() -> None:
    motion = Motion(FACE)
    motion.update(room())
    (region,) = motion.regions([])
    assert region.clipped(640, 480) == WHOLE
    assert motion.changed_part(HERE) > 0.2


def test_a_room_in_which_nothing_moves_needs_no_look() -> None:
    motion = settled(room(8, seed=1))
    motion.update(room(8, seed=2))  # another frame's noise
    assert motion.regions([]) == []
    assert not motion.changed_part(HERE)


def test_a_new_face_is_in_the_region_with_room_around_it() -> None:
    motion = settled(room())
    motion.update(with_face(room(), HERE))
    (region,) = motion.regions([])
    assert region.x < HERE.x - 20
    assert region.x + region.width > HERE.x + HERE.width + 20
    assert region.area < WHOLE.area / 4
    assert motion.changed_part(HERE) > 0.2
    assert not motion.changed_part(THERE)


def test_a_change_is_looked_at_several_times_and_then_known() -> None:
    motion = settled(room())
    picture = with_face(room(), HERE)
    looks = 0
    for _ in range(10):
        motion.update(picture)
        for region in motion.regions([]):
            motion.mark_searched(region)
            looks += 1
    assert looks == 2


def test_two_places_are_two_regions_and_known_ones_are_none() -> None:
    motion = settled(room())
    motion.update(with_face(with_face(room(), HERE), THERE))
    assert len(motion.regions([])) == 2
    (region,) = motion.regions([HERE.expanded(0.2)])
    assert region.contains(THERE.centre)


def test_a_change_that_creeps_shows_in_the_end() -> None:
    motion = settled(room())
    seen = []
    for step in range(12):
        motion.update(with_face(room(), HERE, by=step))
        seen.append(bool(motion.regions([])))
    assert not seen[1]
    assert seen[-1]


def test_what_is_smaller_than_a_part_of_a_face_is_none() -> None:
    motion = settled(room())
    motion.update(with_face(room(), Rect(300, 200, 8, 8)))
    assert motion.regions([]) == []


def test_a_frame_of_another_size_is_new() -> None:
    motion = settled(room())
    motion.update(np.ascontiguousarray(room()[:240, :320]))
    assert len(motion.regions([])) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (480, 1), (7, 5), (73, 72)])
def test_any_size_has_cells(shape: tuple[int, int]) -> None:
    motion = Motion(FACE)
    motion.update(np.zeros(shape, np.uint8))
    for rect in (WHOLE, HERE, Rect(-50, -50, 20, 20), Rect(0, 0, 0, 0)):
        motion.mark_searched(rect)
        assert 0 <= motion.changed_part(rect) <= 1
    motion.regions([HERE])


def test_what_moves_differs_from_the_frame_before() -> None:
    motion = Motion(FACE)
    motion.update(room())
    assert motion.moving_part(HERE) == 0
    motion.update(with_face(room(), HERE))
    assert motion.moving_part(HERE) > 0.8
    assert motion.moving_part(THERE) == 0
    motion.update(with_face(room(), HERE))
    assert motion.moving_part(HERE) == 0  # though it was never searched there


def test_in_a_frame_of_another_size_nothing_is_known_to_move() -> None:
    motion = settled(room())
    motion.update(np.zeros((240, 320), np.uint8))
    assert motion.moving_part(HERE) == 0
