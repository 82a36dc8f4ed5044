"""Frames to measure with, for as long as they are wanted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.camera.open import open_camera
from edge.camera.testcard import TestCard
from edge.config import Broker
from edge.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.bench.stages import Stages
    from edge.camera import Camera
    from edge.config import CameraConfig
    from edge.testcard import Scene


class FrameSource:
    """A camera whose clip begins anew at its end, and whose test card does not wait.

    Attributes:
        name: What it is, safe to publish: of a clip or folder the name alone,
            of a stream no address, of a webcam no serial number.
        synthetic: Whether what it shows did not happen.
    """

    def __init__(self, config: CameraConfig) -> None:
        """Open the camera.

        Raises:
            EdgeError: There is none.
        """
        self._config = config
        self._camera = self._open()
        self._begun = False
        self.name, self.synthetic = _public(self._camera.name), self._camera.synthetic

    @property
    def scene(self) -> Scene | None:
        """What the test card shows; None for another camera, whose truth is not known."""
        return self._camera.scene if isinstance(self._camera, TestCard) else None

    def frames(self, stages: Stages, begin_s: float = 0.0) -> Iterator[Frame]:
        """Yield frames whose time never goes back, of a clip from its first one on.

        Args:
            stages: Reading a frame is their stage `capture`.
            begin_s: The moment of the test card's scene at which to begin.
        """
        if self.scene:
            yield from self._scene_frames(self.scene, stages, begin_s)
            return
        offset_s = newest_s = 0.0
        if self._begun and not self._camera.live:
            self._begin_anew()
        self._begun = True
        while True:
            with stages.timed("capture"):
                frame = self._camera.read()
            if frame is None:
                self._begin_anew()
                offset_s = newest_s + 1 / self._config.fps
            else:
                newest_s = frame.time_s + offset_s
                yield Frame(frame.gray, frame.captured_at, newest_s, frame.sequence)

    def _begin_anew(self) -> None:
        self._camera.close()
        self._camera = self._open()

    def close(self) -> None:
        """Release the camera."""
        self._camera.close()

    def _open(self) -> Camera:
        return open_camera(self._config, Broker("none"))

    def _scene_frames(self, scene: Scene, stages: Stages, begin_s: float) -> Iterator[Frame]:
        sequence = 0
        while True:
            now_s = begin_s + sequence / self._config.fps
            with stages.timed("capture"):
                gray = scene.render(now_s)
            yield Frame(gray, datetime.now(UTC), now_s, sequence)
            sequence += 1


def _public(name: str) -> str:
    scheme, separator, _ = name.partition("://")
    if separator:
        return f"{scheme} stream"
    return "webcam" if name.startswith("/dev/") else name
