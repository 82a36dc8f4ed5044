from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import PreviewConfig
from edge.frame import Frame
from edge.geometry import Rect
from edge.pipeline import PresentFace, Snapshot
from edge.preview.service import PreviewService
from edge.preview.status import CameraView, ModelView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LABELS = ("angry", "happy")
ONLINE = CameraView("webcam", "online")
MODEL = ModelView("emotion 1.0", LABELS, 72)


def snapshot(*rects: Rect, visible: bool = True) -> Snapshot:
    faces = tuple(
        PresentFace(number, rect, "happy", 0.9, datetime.now(UTC), {"angry": 0.1, "happy": 0.9}, visible)
        for number, rect in enumerate(rects, start=1)
    )
    return Snapshot(datetime.now(UTC), (640, 480), faces)


@dataclass
class Window:
    """An open preview and what the daemon does with it."""

    preview: PreviewService
    sequence: int = 0

    @property
    def port(self) -> int:
        opened = self.preview.opened
        assert opened
        return int(opened.address.rpartition(":")[2])

    def show(self, gray: NDArray[np.uint8] | None = None, *rects: Rect) -> None:
        """Show a frame, of noise, so that it takes many bytes, unless another is given."""
        if gray is None:
            gray = np.random.default_rng(self.sequence).integers(0, 256, (480, 640), np.uint8)
        frame = Frame(gray, datetime.now(UTC), self.sequence / 15, self.sequence)
        self.sequence += 1
        self.preview.show(frame, lambda: snapshot(*(rects or (Rect(100, 100, 200, 200),))), 1.5)


@pytest.fixture(autouse=True)
def _ten_statuses_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("handler", "status"):
        monkeypatch.setattr(f"edge.preview.{name}.EVERY_S", 0.1)


@pytest.fixture
def open_window(tmp_path: Path) -> Iterator[Callable[..., Window]]:
    opened: list[PreviewService] = []

    def open_one(**config: object) -> Window:
        values = {"enabled": True, "address": "127.0.0.1:0", **config}
        opened.append(PreviewService(PreviewConfig.model_validate(values), tmp_path, "kitchen", ONLINE, MODEL))
        return Window(opened[-1])

    yield open_one
    for preview in opened:
        preview.close()


@pytest.fixture
def window(open_window: Callable[..., Window]) -> Window:
    return open_window()
