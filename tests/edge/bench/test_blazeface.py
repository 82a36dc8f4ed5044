from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge import testcard
from edge.bench import blazeface
from edge.bench.blazeface import BlazeFace
from edge.bench.matching import matches
from edge.errors import ConfigError
from edge.inference.bundle import SHIPPED

FILE = Path(__file__).parents[3] / "runs" / "blazeface" / "face_detection_short_range.tflite"


@pytest.fixture
def network() -> BlazeFace:
    if not FILE.exists():
        pytest.skip("needs BlazeFace's file; 'make blazeface' gets it")
    return BlazeFace(FILE)


def test_anchors_are_the_middles_of_cells_row_by_row() -> None:
    anchors = blazeface.anchors()
    assert anchors.shape == (896, 2)
    assert anchors[:4].tolist() == [[4, 4], [4, 4], [12, 4], [12, 4]]
    assert anchors[2 * 16].tolist() == [4, 12]
    assert anchors[512:519].tolist() == [[8, 8]] * 6 + [[24, 8]]
    assert anchors[-1].tolist() == [120, 120]


def test_boxes_are_decoded_from_their_anchors_if_their_score_is_at_least_one_half() -> None:
    raw = np.zeros((896, 16), np.float32)
    raw[2, :4] = 3, -1, 40, 44
    raw[518, :4] = -8, 0, 30, 30
    scores = np.full(896, -1e-3, np.float32)
    scores[2], scores[518] = 1e6, 0
    boxes, sure = blazeface.decode(raw, scores, blazeface.anchors())
    assert boxes.tolist() == [[15, 3, 40, 44], [16, 8, 30, 30]]
    assert sure.tolist() == [1, 0.5]


def test_boxes_of_one_face_become_their_mean_weighted_by_score() -> None:
    boxes = np.array([[50, 50, 20, 20], [90, 90, 20, 20], [54, 50, 20, 20], [63, 50, 20, 20]], np.float32)
    found = blazeface.suppress(boxes, np.array([0.9, 0.7, 0.6, 0.8], np.float32))
    # The third overlaps with the first by 2/3; the fourth with the first by less than 0.3.
    assert found == pytest.approx(np.array([[51.6, 50, 20, 20], [63, 50, 20, 20], [90, 90, 20, 20]]), abs=1e-4)


def test_nothing_is_one_face_and_none() -> None:
    assert blazeface.suppress(np.empty((0, 4), np.float32), np.empty(0, np.float32)).shape == (0, 4)


@pytest.mark.parametrize(
    ("shape", "rows", "columns"), [((480, 640), (16, 112), (0, 128)), ((200, 50), (0, 128), (48, 80))]
)
def test_a_frame_lies_in_the_middle_of_black(
    shape: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    square = blazeface.letterboxed(np.full(shape, 200, np.uint8))
    assert square.shape == (128, 128)
    inside = square[slice(*rows), slice(*columns)]
    assert (inside == 200).all()
    assert np.count_nonzero(square) == inside.size


def test_the_person_of_the_test_card_is_found_where_the_cascade_finds_faces(network: BlazeFace) -> None:
    scene = testcard.Scene()
    face = scene.truth(2.0).face
    assert face
    (found,) = network.search(scene.render(2.0))
    assert matches(face, found)


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"emotion\.tflite: not face_detection_short_.* 'make blazeface'"):
        BlazeFace(SHIPPED)
    with pytest.raises(ConfigError, match=r"absent: cannot be read: No such file"):
        BlazeFace(tmp_path / "absent")
    with pytest.raises(ConfigError, match="not a regular file"):
        BlazeFace(tmp_path)
