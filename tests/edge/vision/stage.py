"""Faces that a tracker is shown, and a detector and a reader that know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.vision.parts import SearchPart
from edge.vision.reader import CANDIDATE_VIEWS, Reading
from edge.vision.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.vision.reader import FaceCrop
    from edge.vision.track import Track
    from edge.vision.views import View

FRAME_S = 1 / 15


class Stage:
    """A detector that finds what the test puts there, and records where it searched."""

    def __init__(self, *faces: Rect) -> None:
        self.faces = list(faces)
        self.tilts: dict[Rect, float] = {}
        """Degrees of those that lean; they are found only at about that tilt."""

        self.still = False
        """Whether the faces stop moving."""

        self.searched: list[SearchPart] = []
        self.nearby: list[Rect] = []
        self._frames = 0

    def frame(self) -> NDArray[np.uint8]:
        """Draw each face as a patch, in which something moves unless all is still."""
        self._frames += not self.still
        gray = np.full((480, 640), 90, np.uint8)
        for face in self.faces:
            patch = face.clipped(640, 480).whole()
            gray[int(patch.y) : int(patch.y + patch.height), int(patch.x) : int(patch.x + patch.width)] = 150 + 40 * (
                self._frames % 2
            )
        return gray

    def search(self, gray: NDArray[np.uint8], part: SearchPart | None = None) -> list[Rect]:
        assert gray.shape == (480, 640)
        part = part or SearchPart(Rect(0, 0, 640, 480), 72, 640)
        self.searched.append(part)
        return [
            face
            for face in self.faces  # whatever their size, for it may take another frame until that is searched for
            if part.region.contains(face.centre) and abs(self.tilts.get(face, 0.0) - part.tilt) < 16
        ]

    def search_near(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        assert gray.shape == (480, 640)
        self.nearby.append(face)
        there = [f for f in self.faces if f.iou(face) > 0.2 and abs(self.tilts.get(f, 0.0) - tilt) < 16]
        return max(there, key=face.iou, default=None)

    def search_around(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        return self.search_near(gray, face.expanded(0.5), tilt)


class ScriptedReader:
    """A reader that knows the face scores of some places, and records what it reads."""

    def __init__(self, scores: dict[Rect, float] | None) -> None:
        self.scores_faces = scores is not None
        self.scores = scores or {}
        self.crops: list[FaceCrop] = []
        self.candidates: list[Rect] = []

    def read(self, gray: NDArray[np.uint8], crops: Sequence[FaceCrop]) -> list[Reading]:
        assert gray.shape == (480, 640)
        self.crops += crops
        return [
            Reading(np.array([c.face.x, c.face.y], np.float32), self._score(c.face) if self.scores_faces else None)
            for c in crops
        ]

    def score(self, gray: NDArray[np.uint8], face: Rect, _tilt: float, views: Sequence[View]) -> float:
        assert gray.shape == (480, 640)
        if views == CANDIDATE_VIEWS:
            self.candidates.append(face)
        return self._score(face)

    def _score(self, face: Rect) -> float:
        return max((score for known, score in self.scores.items() if known.iou(face) > 0.2), default=1.0)


class Play:
    """Runs a tracker frame by frame."""

    def __init__(
        self,
        stage: Stage,
        config: FacesConfig | None = None,
        *,
        scores: dict[Rect, float] | None = None,
        reader: ScriptedReader | None = None,
        min_score: float = 0.5,
    ) -> None:
        """Start; `scores` are the face scores of some places, None: the model has no such output."""
        self.stage = stage
        self.reader = reader or ScriptedReader(scores)
        self.tracker = Tracker(stage, config or FacesConfig(), reader=self.reader, min_score=min_score)
        self.now_s, self.step_s = 0.0, FRAME_S

    def frame(self) -> tuple[list[Track], list[Track]]:
        """Return the tracks that are there and those that are gone."""
        self.now_s += self.step_s
        return self.tracker.update(self.stage.frame(), self.now_s)

    def frames(self, count: int) -> tuple[list[int], list[int]]:
        """Return the ids that are there after the last frame, and those gone on the way."""
        ids, gone_ids = [], []
        for _ in range(count):
            tracks, gone = self.frame()
            ids = [track.id for track in tracks]
            gone_ids += [track.id for track in gone]
        return ids, gone_ids


LEFT, RIGHT = Rect(100, 100, 100, 100), Rect(400, 100, 120, 120)
