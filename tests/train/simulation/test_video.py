from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.vision.crops import resized
from tests.train.scripts import first
from train.simulation import sequences
from train.simulation.trajectories import LARGEST, SMALLEST
from train.simulation.video import FPS, HEIGHT, WIDTH

if TYPE_CHECKING:
    from train.datasets import Faces


class TestAVideo:
    def test_of_the_same_seed_is_the_same_in_whatever_order_it_is_drawn(self, mean_faces: Faces) -> None:
        one, other = first(mean_faces), first(mean_faces)
        assert len(one) == len(other)
        indices = range(0, len(one), 29)
        forward = [one.frame(index) for index in indices]
        backward = [other.frame(index) for index in reversed(indices)][::-1]
        np.testing.assert_array_equal(forward, backward)
        assert [one.truth(index) for index in indices] == [other.truth(index) for index in indices]

    def test_of_another_seed_differs(self, mean_faces: Faces) -> None:
        one, other = first(mean_faces, seed=3), first(mean_faces, seed=4)
        assert np.abs(one.clean(0).astype(int) - other.clean(0)).mean() > 5
        assert [one.truth(index) for index in range(60)] != [other.truth(index) for index in range(60)]

    def test_is_a_camera_s_gray_picture_with_fresh_noise(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces)
        still = [sequence.frame(index) for index in (0, 1)]  # nobody is there yet
        assert {frame.shape for frame in still} == {(HEIGHT, WIDTH)}
        assert {frame.dtype for frame in still} == {np.dtype(np.uint8)}
        noise = (still[1].astype(float) - still[0]).std() / np.sqrt(2)
        assert noise == pytest.approx(sequence.exposure.sigma, rel=0.1)

    def test_shows_each_person_for_seconds_and_nobody_between(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces)
        truths = [sequence.truth(index) for index in range(len(sequence))]
        assert {len(truth) for truth in truths} == {0, 1}
        assert not truths[0]
        assert not truths[-1]
        seen = [truth[0].number for truth in truths if truth]
        assert seen == sorted(seen)
        for number in range(4):
            assert 2 * FPS < seen.count(number) < 8 * FPS

    @pytest.mark.parametrize("at_once", [1, 2, 3, 5, 8])
    def test_has_faces_of_the_declared_sizes_that_never_cover_each_other(self, mean_faces: Faces, at_once: int) -> None:
        most = 0
        for sequence in sequences(mean_faces, 3, people=8, at_once=at_once):
            for index in range(len(sequence)):
                people = sequence.truth(index)
                most = max(most, len(people))
                for person in people:
                    assert SMALLEST <= person.box.width <= LARGEST
                    assert person.box.height == person.box.width
                    assert person.whole or at_once == 1
                    assert not any(person.box.iou(other.box) for other in people if other is not person)
        assert most == at_once

    def test_shows_the_face_where_the_truth_says(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces)
        looked = 0
        for index in range(0, len(sequence), 15):
            for person in (p for p in sequence.truth(index) if p.whole):
                side = round(person.box.width)
                rim = side // 5  # where the face blends into the head
                face = resized(mean_faces.pixels[mean_faces.labels.index(person.label)], side, side)
                part = face[rim:-rim, rim:-rim]
                likeness = cv2.matchTemplate(sequence.clean(index), part, cv2.TM_CCOEFF_NORMED)
                _, _, _, (x, y) = cv2.minMaxLoc(likeness)
                assert (x - rim, y - rim) == pytest.approx((person.box.x, person.box.y), abs=1)
                looked += 1
        assert looked > 4

    def test_with_nobody_has_no_truth_but_moves(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces, people=0)
        assert not any(sequence.truth(index) for index in range(len(sequence)))
        assert np.abs(sequence.clean(20).astype(int) - sequence.clean(0)).mean() > 0.5


def test_sequences_show_everybody_before_anybody_comes_again(mean_faces: Faces) -> None:
    shown = [
        {person.label for index in range(len(sequence)) for person in sequence.truth(index)}
        for sequence in sequences(mean_faces, 2, people=4)
    ]
    assert shown[0] | shown[1] == set(mean_faces.labels)
