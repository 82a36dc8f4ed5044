"""A webcam that can be unplugged, settings for it, and what the daemon said last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edge.camera.testcard import TestCard
from edge.config import CameraConfig, HealthConfig, MqttConfig, Settings
from edge.errors import CameraError
from edge.testcard import Scene

if TYPE_CHECKING:
    import threading

    from edge.frame import Frame
    from tests.broker import Subscriber

ROOT = "emotion-edge/test"


class Unpluggable(TestCard):
    """A camera, as the daemon sees it, that shows the test card's person until it is unplugged."""

    name = "webcam"
    synthetic = False

    def __init__(self, unplugged: threading.Event) -> None:
        super().__init__(Scene(), 15)
        self._unplugged = unplugged

    def read(self) -> Frame:
        if self._unplugged.is_set():
            message = "webcam: it is unplugged"
            raise CameraError(message)
        return super().read()


def settings(url: str, give_up_s: float = 60) -> Settings:
    return Settings(
        camera=CameraConfig(give_up_s=give_up_s),
        mqtt=MqttConfig(url=url, device="test"),
        health=HealthConfig(every_s=1),
    )


def last(subscriber: Subscriber, topic: str) -> Any:
    return json.loads(subscriber.payloads(f"{ROOT}/{topic}")[-1])
