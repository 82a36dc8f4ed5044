"""The cost of each further person."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.bench.costs import Costs, ratio
from edge.bench.methods import MethodName, make_method
from edge.bench.report import GrowthReport
from edge.errors import ConfigError
from edge.frame import Frame
from edge.redaction import redact
from edge.testcard import Crowd
from edge.testcard.crowd import SMALLEST_FACE, most

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.inference.classifier import Classifier

_WARM_UP_FRAMES = 10
"""Until everybody is tracked."""


def people(text: str, settings: Settings) -> tuple[int, ...]:
    """Return the numbers of people in ``K`` or ``K..M``, from none on; one person is always among them.

    Raises:
        ConfigError: It is neither, or not with these settings; the message says what is.
    """
    camera, faces = settings.camera, settings.faces
    if camera.source != "testcard":
        message = f"--faces shows people of its own: leave --camera {camera.source} out"
        raise ConfigError(message)
    if faces.min_height > SMALLEST_FACE:
        message = f"--faces shows faces of {SMALLEST_FACE:.0f} pixels, but faces.min_height is {faces.min_height}"
        raise ConfigError(message)
    room = min(most(camera.width, camera.height), faces.max_faces)
    written = re.fullmatch(r"(\d{1,4})(?:\.\.(\d{1,4}))?", text, re.ASCII)
    first, last = (int(written[1]), int(written[2] or written[1])) if written else (1, 0)
    if room < 1 or not first <= last <= room:
        message = (
            f"--faces: {redact(text)!r}: write a number of people, as 4, or a range, as 0..8; from 0 to {room}, "
            f"for which {camera.width}x{camera.height} pixels have room and faces.max_faces allows"
        )
        raise ConfigError(message)
    return tuple(sorted({1, *range(first, last + 1)}))


def measure_growth(
    settings: Settings, classifier: Classifier, counts: tuple[int, ...], seconds: float
) -> list[GrowthReport]:
    """Return the cost of tracking each number of people, in turn frame by frame, for about `seconds` altogether.

    Args:
        settings: Those of the pipelines, and the size of the picture.
        classifier: Reads every face.
        counts: Numbers of people, 1 among them.
        seconds: How long.
    """
    crowds = [_TrackedCrowd(count, settings, classifier) for count in counts]
    deadline, sequence = time.perf_counter() + seconds, 0
    while sequence <= _WARM_UP_FRAMES or time.perf_counter() < deadline:
        for crowd in crowds:
            crowd.process(sequence, counted=sequence >= _WARM_UP_FRAMES)
        sequence += 1
    one = crowds[counts.index(1)]
    return [crowd.report(than=one) for crowd in crowds]


class _TrackedCrowd:
    """A number of people and the pipeline that tracks them."""

    def __init__(self, count: int, settings: Settings, classifier: Classifier) -> None:
        camera = settings.camera
        self._count, self._fps = count, camera.fps
        self._crowd = Crowd(count, camera.width, camera.height)
        self._ours = make_method(MethodName.OURS, classifier, settings.faces, settings.emotion)
        self._costs = Costs()
        self._faces = 0

    def process(self, sequence: int, *, counted: bool) -> None:
        now_s = sequence / self._fps
        frame = Frame(self._crowd.render(now_s), datetime.now(UTC), now_s, sequence)
        if not counted:
            self._ours.process(frame)
            return
        with self._costs.one_frame():
            self._ours.process(frame)
        self._faces += len(self._ours.faces())

    def report(self, *, than: _TrackedCrowd) -> GrowthReport:
        cost = self._costs.report()
        return GrowthReport(
            **cost.model_dump(),
            people=self._count,
            faces_per_frame=round(self._faces / cost.frames, 3),
            ratio=ratio(cost, than._costs.report()),
        )
