"""A face's crop is cut and read here, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import edge
from edge.geometry import Rect
from edge.inference.card import Calibration, Card, InputCard
from edge.inference.outputs import Predictions
from edge.vision.reader import CANDIDATE_VIEWS, FaceCrop, ModelReader, NullReader
from edge.vision.views import VIEWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

FACE = Rect(100, 100, 80, 80)


class Brightness:
    """A model to which a picture is as much a face, and as *bright*, as it is bright."""

    def __init__(self, *, scores_faces: bool = True) -> None:
        self.card = Card(
            name="brightness",
            version="1",
            sha256="0" * 64,
            labels=("dark", "bright"),
            input=InputCard(width=48, height=48),
            calibration=Calibration(temperature=1.0, min_confidence=0.5, min_face_score=0.5 if scores_faces else None),
            macs=1,
            parameters=1,
            bytes=1,
            operators={},
        )
        self.shapes: list[tuple[int, ...]] = []

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        self.shapes.append(faces.shape)
        bright = np.asarray(faces.mean(axis=(1, 2)) / 255, np.float32)
        scores = bright if self.card.calibration.min_face_score is not None else None
        return Predictions(np.stack([1 - bright, bright], axis=1), scores)


def picture(rim: int, middle: int) -> NDArray[np.uint8]:
    """Return a frame whose `FACE` has another gray level in the middle than at the rim."""
    gray = np.full((480, 640), rim, np.uint8)
    inner = FACE.expanded(-0.1).whole()
    gray[int(inner.y) : int(inner.y + inner.height), int(inner.x) : int(inner.x + inner.width)] = middle
    return gray


@pytest.mark.parametrize(("rim", "middle"), [(255, 100), (100, 255)])
def test_a_candidate_has_the_lowest_score_of_two_views(rim: int, middle: int) -> None:
    model = Brightness()
    reader, gray = ModelReader(model), picture(rim, middle)
    whole, near = reader.read(gray, [FaceCrop(FACE), FaceCrop(FACE.expanded(-0.1))])
    assert whole.face_score != near.face_score
    assert reader.score(gray, FACE, 0.0, CANDIDATE_VIEWS) == min(whole.face_score or 0, near.face_score or 0)
    assert model.shapes[-1] == (2, 48, 48)


def test_a_crop_is_read_in_its_view() -> None:
    reader, gray = ModelReader(Brightness()), picture(255, 100)
    crops = [FaceCrop(FACE, view=view) for view in VIEWS]
    plain, mirrored, near, both = (reading.face_score for reading in reader.read(gray, crops))
    assert plain == mirrored
    assert near == both
    assert near is not None
    assert plain is not None
    assert near < plain  # less of the bright rim


def test_without_a_face_output_there_is_no_score() -> None:
    reader = ModelReader(Brightness(scores_faces=False))
    assert not reader.scores_faces
    assert reader.read(picture(9, 9), [FaceCrop(FACE)])[0].face_score is None


def test_the_null_reader_reads_nothing() -> None:
    reader = NullReader()
    assert not reader.scores_faces
    assert [reading.probabilities.size for reading in reader.read(picture(9, 9), [FaceCrop(FACE)] * 2)] == [0, 0]


def test_crops_are_cut_nowhere_else() -> None:
    cuts = re.compile(r"^\s*from edge\.vision\.(crops|views) import .*\b(crop|view_crop)\b", re.MULTILINE)
    users = {path.name for path in Path(edge.__file__).parent.rglob("*.py") if cuts.search(path.read_text("utf-8"))}
    # And on the test card, to try a model that is added.
    assert users == {"reader.py", "views.py", "model_trial.py"}
