from __future__ import annotations

import numpy as np
import pytest

from edge.camera.rotated import Rotated
from edge.frame import Frame
from tests.edge.camera.conftest import START

PICTURE = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)


class OnePicture:
    name = "one"
    live = False
    synthetic = True

    def __init__(self) -> None:
        self.closed = 0
        self._frames = [Frame(PICTURE, START, 1.5, 7)]

    def read(self) -> Frame | None:
        return self._frames.pop() if self._frames else None

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("degrees", "turned"),
    [
        (90, [[4, 1], [5, 2], [6, 3]]),
        (180, [[6, 5, 4], [3, 2, 1]]),
        (270, [[3, 6], [2, 5], [1, 4]]),
    ],
)
def test_pictures_are_turned_clockwise_and_nothing_else_changes(degrees: int, turned: list[list[int]]) -> None:
    inside = OnePicture()
    camera = Rotated(inside, degrees)
    assert (camera.name, camera.live, camera.synthetic) == ("one", False, True)
    frame = camera.read()
    assert frame is not None
    assert frame.gray.tolist() == turned
    assert frame.gray.flags.c_contiguous
    assert (frame.captured_at, frame.time_s, frame.sequence) == (START, 1.5, 7)
    assert camera.read() is None
    camera.close()
    assert inside.closed == 1
