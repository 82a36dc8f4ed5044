"""What the page says to who aims the camera, on the test card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.geometry import Rect
from edge.preview.hints import HintFinder
from edge.testcard import Scene
from tests.edge.preview.conftest import snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_HEIGHT = 72


@pytest.fixture(scope="module")
def finder() -> HintFinder:
    return HintFinder(MIN_HEIGHT)


@pytest.fixture(scope="module")
def person() -> NDArray[np.uint8]:
    return Scene().render(1.0)


def hints(finder: HintFinder, gray: NDArray[np.uint8], *faces: Rect, time_s: float = 0) -> list[str]:
    finder._missed = float("-inf"), []  # noqa: SLF001  # as if the last search was long ago
    return [hint.text for hint in finder.hints(gray, snapshot(*faces), time_s)]


def far(person: NDArray[np.uint8], shrink: float) -> NDArray[np.uint8]:
    """Return the person so many times smaller, before a wall."""
    small = cv2.resize(person, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    wall = np.full_like(person, 140)
    wall[200 : 200 + small.shape[0], 220 : 220 + small.shape[1]] = small
    return wall


def test_a_good_face_needs_nothing(finder: HintFinder, person: NDArray[np.uint8]) -> None:
    assert hints(finder, person, Rect(160, 100, 200, 200)) == []


def test_a_face_about_to_be_too_small_should_come_nearer(finder: HintFinder, person: NDArray[np.uint8]) -> None:
    assert hints(finder, person, Rect(160, 100, 80, 80)) == [
        "Face 1 is far: 80 pixels; new ones are found from 72 on. Come nearer."
    ]


def test_a_face_at_the_edge_is_told_so(finder: HintFinder, person: NDArray[np.uint8]) -> None:
    assert hints(finder, person, Rect(-20, 100, 200, 200)) == [
        "Face 1 is cut off by the picture's edge. Move it or the camera."
    ]


def test_a_dark_face_needs_light(finder: HintFinder, person: NDArray[np.uint8]) -> None:
    (text,) = hints(finder, (person * 0.3).astype(np.uint8), Rect(160, 100, 200, 200))
    assert text.startswith("Face 1 is dark: level ")


def test_a_face_that_is_too_small_is_found_and_measured(finder: HintFinder, person: NDArray[np.uint8]) -> None:
    finder._missed = float("-inf"), []  # noqa: SLF001
    (hint,) = finder.hints(far(person, 4), snapshot(), 0)
    assert hint.text.startswith("A face is too small: ")
    assert hint.text.endswith("at least 72 are needed. Come nearer, or lower faces.min_height.")
    assert hint.box
    assert 36 <= hint.box.height < 72
    assert 220 < hint.box.centre[0] < 380
    assert 200 < hint.box.centre[1] < 320


def test_a_face_in_the_dark_is_found_too(finder: HintFinder, person: NDArray[np.uint8]) -> None:
    (text,) = hints(finder, (person * 0.12).astype(np.uint8))
    assert text.startswith("A face is too dark: level ")


def test_a_dark_room_is_told_so(finder: HintFinder) -> None:
    assert hints(finder, np.full((480, 640), 12, np.uint8)) == [
        "The picture is dark: level 12 of 255. Turn on a light."
    ]


def test_an_empty_room_says_what_a_face_must_be_like(finder: HintFinder) -> None:
    (text,) = hints(finder, np.full((480, 640), 140, np.uint8))
    assert text.startswith("No face is found. ")


def test_nobody_is_searched_for_all_the_time(finder: HintFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[float] = []
    gray = np.full((480, 640), 140, np.uint8)
    hints(finder, gray, time_s=100)
    find = finder._find  # noqa: SLF001  # counted
    monkeypatch.setattr(finder, "_find", lambda *args: searched.append(1) or find(*args))  # type: ignore[func-returns-value]
    for time_s in (100.5, 101, 101.9):
        assert finder.hints(gray, snapshot(), time_s)
    assert searched == []
    finder.hints(gray, snapshot(), 102)
    assert searched
