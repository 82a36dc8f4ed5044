"""How accurate a method is on the test card, which shows at most one face and knows where it is."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from edge.bench.matching import Matcher, Verdict
from edge.bench.report import AccuracyReport, BoxCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.bench.methods import FoundFace
    from edge.geometry import Rect


class Accuracy:
    """Compares what a method finds in each frame with the face that is there, if one is."""

    def __init__(self, width: int, height: int) -> None:
        """Start without a frame.

        Args:
            width: Pixels of the frames.
            height: Pixels of the frames.
        """
        self._width, self._height = width, height
        self._matcher = Matcher()
        self._verdicts: list[Verdict] = []
        self._frames = self._whole = self._found = 0
        self._away = False
        self._came_s: float | None = None
        self._noticed_s: list[float] = []
        self._id: int | None = None
        self._id_changes: int | None = None

    def add(self, time_s: float, face: Rect | None, faces: Sequence[FoundFace]) -> None:
        """Count one frame.

        Args:
            time_s: When it was captured, not before the last one.
            face: The truth; None with nobody there.
            faces: What the method found.
        """
        boxes = [each.rect for each in faces]
        verdicts = [match.verdict for match in self._matcher.match(time_s, [face] if face else [], boxes)]
        whole = face is not None and face.lies_within(self._width, self._height)
        found = Verdict.FOUND in verdicts
        if found:
            self._note_id(faces[verdicts.index(Verdict.FOUND)].id)
        elif face is None:
            self._id = None
        self._verdicts += verdicts
        self._frames += 1
        self._whole += whole
        self._found += whole and found
        self._time_return(time_s, face, whole=whole, found=found)

    def report(self) -> AccuracyReport:
        """Return the counts; there must have been a frame."""
        return AccuracyReport(
            whole_faces=self._whole,
            found_faces=self._found,
            boxes=count_boxes(self._verdicts, self._frames),
            returns=len(self._noticed_s),
            noticed_s=round(median(self._noticed_s), 3) if self._noticed_s else None,
            id_changes=self._id_changes,
        )

    def _note_id(self, now: int | None) -> None:
        if now is not None:
            self._id_changes = (self._id_changes or 0) + (self._id is not None and self._id != now)
        self._id = now

    def _time_return(self, time_s: float, face: Rect | None, *, whole: bool, found: bool) -> None:
        """Measure from a face's being whole again to its being found or, if it never is, not being whole any more."""
        if whole and self._away:
            self._came_s, self._away = time_s, False
        if self._came_s is not None and (found or not whole):
            self._noticed_s.append(time_s - self._came_s)
            self._came_s = None
        if face is None:
            self._away = True


def count_boxes(verdicts: Iterable[Verdict], frames: int) -> BoxCounts:
    """Return how many boxes of so many frames are what."""
    count = Counter(verdicts)
    return BoxCounts(
        frames=frames,
        false=count[Verdict.FALSE],
        lingering=count[Verdict.LINGERING],
        wrong_size=count[Verdict.WRONG_SIZE],
        duplicate=count[Verdict.DUPLICATE],
    )
